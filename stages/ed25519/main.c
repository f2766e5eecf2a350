/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-ed25519: signs the statement of one run with an Ed25519 key that is not encrypted.
 *
 * PURPOSE  sr-signer for the usual case, a file of safe-run key generate's and one run: the same
 *          promise and the same words (stages/signer/), with libsodium instead of libcrypto's
 *          provider, whose start alone takes longer than all of this.
 * READS    the key, once; one request of one packet.
 * WRITES   a greeting and one answer.
 * HOLDS    the key, in memory; the socket. No file, no privilege.
 * FILTER   sandbox/filters/ed25519.filter: memory, read, write, close, exit. Ed25519 takes no random
 *          numbers (RFC 8032).
 * REFUSES  a file of any other form, a key that was made for another purpose; anything but a
 *          statement about a run report that names this key and says where it lives.
 * WHO      safe-run run has it in a child of its own, cmd/signer_child.h; this program is for by hand.
 * WHY NOT  in sr-signer: P-256, passphrases and a listening socket need another library and more
 *          of the kernel, and a run that needs neither should hold neither.
 */
#include "stages/ed25519/signer.h"

int main(int argc, char **argv)
{
	return ed25519_signer(argc, argv);
}
