/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_SIGNER_CHILD_H
#define CMD_SIGNER_CHILD_H

#include "cmd/process.h"
#include "ipc/fault.h"

/*
 * sr-ed25519 for one run, as a child of ours that executes nothing: starting a program is two
 * thirds of what a signature costs. It does what the program does, in the same order and by the same
 * code (stages/ed25519/signer.h): closes all but the two descriptors, becomes nobody, gives up its
 * capabilities, installs the signer's filter, and only then reads the key. We never do.
 *
 * What it has beside the program's: it begins with our memory. Ours knows nothing then but its
 * command line and environment, which the child erases where the kernel put them; no byte that a
 * stage wrote has been read. And where things are in its memory is where they are in ours,
 * of which no stage learns anything; each run is another execution of ours, and has one signer that
 * answers one request.
 *
 * words: of main's command line, behind the program's name.
 */
enum fault_code signer_child_start(struct process *process, int key_fd, int peer_fd, char **words,
				   struct fault *fault) __attribute__((warn_unused_result));

#endif
