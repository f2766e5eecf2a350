/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_KEY_INPUT_H
#define SEAL_KEY_INPUT_H

#include "stages/seal/key_form.h"

#define KEY_PASSPHRASE_MAX 1024

/* Faults have the code SR-EVD-304 and the path "key". */

/* Reads a passphrase from fd: up to the first line feed or the end. NULL-terminated into out. */
enum fault_code key_passphrase_read(int fd, char out[KEY_PASSPHRASE_MAX + 1], struct fault *fault)
	__attribute__((warn_unused_result));

/* A key file's bytes, from a descriptor opened before. */
enum fault_code key_file_read(int fd, char out[KEY_FILE_MAX], size_t *len, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
