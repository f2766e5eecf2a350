/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ED25519_SIGNER_H
#define ED25519_SIGNER_H

/*
 * All of sr-ed25519, from its command line to its exit status: main.c, where its contract stands,
 * calls nothing else, and the front-end calls it in a child of its own (cmd/signer_child.h).
 */
int ed25519_signer(int argc, char **argv);

#endif
