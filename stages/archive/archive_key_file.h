/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCHIVE_ARCHIVE_KEY_FILE_H
#define ARCHIVE_ARCHIVE_KEY_FILE_H

#include "ipc/fault.h"
#include "stages/seal/key_public.h"

/*
 * Reads all of a key file that was opened before and checks that it may stand behind an archive
 * (archive_key.h); key_public_release afterwards.
 */
enum fault_code archive_key_file_load(int fd, struct key_public *key, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
