/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_KEY_FILE_H
#define CMD_KEY_FILE_H

#include "ipc/fault.h"

/*
 * Open a private key's file for the stage that reads it: through no link, a regular file, ours or
 * root's, and closed to everybody else (0600 or less). SR-EVD-304.
 */
enum fault_code key_file_open(const char *path, int *fd, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
