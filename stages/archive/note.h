/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCHIVE_NOTE_H
#define ARCHIVE_NOTE_H

#include "ipc/buf.h"
#include "ipc/fault.h"
#include "stages/seal/digest.h"
#include "stages/seal/span.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A checkpoint: what an archive held at some time, as a C2SP signed note (c2sp.org/signed-note,
 * c2sp.org/tlog-checkpoint):
 *
 *     <origin> LF <number of leaves> LF <base64 of the RFC 6962 root> LF
 *     LF
 *     EM DASH SP <key name> SP <base64 of 4 bytes key hash and 64 bytes Ed25519 signature> LF
 *
 * The signature is over the text before the empty line. Lines of other signers may stand beside
 * ours. Extension lines, which the specification allows in the text, no archive of ours writes, and
 * they are refused.
 */
#define NOTE_LEN_MAX	    ((size_t)16 << 10)
#define NOTE_SIGNERS_MAX    16
#define NOTE_ORIGIN_MAX	    200
#define NOTE_ORIGIN_SIZE    (NOTE_ORIGIN_MAX + 1)
#define NOTE_PUBLIC_SIZE    32
#define NOTE_SIGNATURE_SIZE 64
#define NOTE_KEY_HASH_SIZE  4

struct note_checkpoint {
	char origin[NOTE_ORIGIN_SIZE];
	uint64_t size; /* leaves */
	uint8_t root[DIGEST_SIZE];
};

struct note {
	struct span text;	/* what is signed, its last LF included; borrowed */
	struct span signatures; /* whole lines; borrowed */
	struct note_checkpoint checkpoint;
};

/* Printable ASCII without space and plus: it is the key's name too. */
bool note_origin_valid(const char *origin);

/* Read data as a checkpoint. Every byte must be as the format says. */
enum fault_code note_read(struct span data, struct note *note, struct fault *fault)
	__attribute__((warn_unused_result));

/* The first four bytes of SHA-256(name LF 0x01 public key): which key of that name signed. */
void note_key_hash(const char *name, const uint8_t public_key[NOTE_PUBLIC_SIZE],
		   uint8_t out[NOTE_KEY_HASH_SIZE]);

enum note_signer {
	NOTE_SIGNER_NONE,  /* no line has that name */
	NOTE_SIGNER_OTHER, /* that name, by another key */
	NOTE_SIGNER_FOUND,
	NOTE_SIGNER_TWICE, /* more than one line of that key: which one counts? */
};

/* The signature of one key; its name is the checkpoint's origin. */
enum note_signer note_find_signature(const struct note *note,
				     const uint8_t key_hash[NOTE_KEY_HASH_SIZE],
				     uint8_t signature[NOTE_SIGNATURE_SIZE]);

/* The text to sign; then the whole note with the signature behind it. */
void note_write_text(const struct note_checkpoint *checkpoint, struct buf *out);
void note_write_signature(const struct note_checkpoint *checkpoint,
			  const uint8_t key_hash[NOTE_KEY_HASH_SIZE],
			  const uint8_t signature[NOTE_SIGNATURE_SIZE], struct buf *out);

#endif
