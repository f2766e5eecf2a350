/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VERSION_ASK_H
#define VERSION_ASK_H

#include "ipc/fault.h"

#include <stddef.h>

/*
 * Run the program open on program_fd with --version, nothing else of ours and no environment: what it
 * prints first into out, at most size bytes. It must end with status 0 within ASK_MS.
 */
#define ASK_MS 5000

enum fault_code ask_version(int program_fd, char *out, size_t size, size_t *len,
			    struct fault *fault) __attribute__((warn_unused_result));

#endif
