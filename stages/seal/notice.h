/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_NOTICE_H
#define SEAL_NOTICE_H

#include "ipc/fault.h"
#include "stages/seal/closing.h"

/*
 * The front-end's notices of how other stages ended (safe-run-ipc(7)):
 * {"signal":31,"stage":"launch","status":null}. Reads fd to its end into loss->deaths. What is not
 * a notice ends the reading: fault says why, and loss->notices points to it.
 */
void notice_read_all(int fd, struct closing_loss *loss, struct fault *fault);

#endif
