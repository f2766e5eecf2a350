/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_KEY_FILE_H
#define CMD_KEY_FILE_H

#include "ipc/fault.h"

#include <stdbool.h>

/*
 * Open a private key's file for the stage that reads it: through no link, a regular file, ours or
 * root's, and closed to everybody else (0600 or less). SR-EVD-304.
 */
enum fault_code key_file_open(const char *path, int *fd, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * Whether sr-ed25519 can read the key open at fd, or it takes sr-signer: by the file's length and
 * its first bytes, in which nothing of the key's own is (stages/seal/key_form.h).
 */
bool key_file_is_plain(int fd) __attribute__((warn_unused_result));

#endif
