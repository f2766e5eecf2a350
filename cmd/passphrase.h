/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_PASSPHRASE_H
#define CMD_PASSPHRASE_H

#include "ipc/fault.h"

#include <stdbool.h>

/*
 * Where a passphrase comes from: "prompt", the terminal, without echo; or the number of a
 * descriptor the caller has open, of which one line is read. *fd is a descriptor of our own,
 * close-on-exec, for the stage that reads it; the front-end never sees the one of a descriptor.
 * twice: a new passphrase, asked for again to catch a slip.
 */
enum fault_code passphrase_open(const char *from, bool twice, int *fd, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
