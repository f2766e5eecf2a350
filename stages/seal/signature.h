/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_SIGNATURE_H
#define SEAL_SIGNATURE_H

#include "stages/seal/key_public.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Signatures: Ed25519 (RFC 8032, 64 bytes) and ECDSA with P-256 and SHA-256 (FIPS 186-5), always
 * DER, never r||s. Through libcrypto's default provider.
 *
 * Signing with P-256 takes random numbers: getrandom(2), and getpid(2), by which libcrypto notices
 * a fork, must then be in the filter. Verifying, and Ed25519 altogether, needs nothing but memory.
 */
#define SIGNATURE_MAX 72

/*
 * Before confinement: starts libcrypto without any configuration file, fetches every algorithm and
 * holds both against known answers. 0, or -1.
 */
int signature_prewarm(void) __attribute__((warn_unused_result));
/* The first half of it, for who only signs: what it would fetch is fetched when it is used. */
int signature_start(void) __attribute__((warn_unused_result));

bool signature_verify(const struct key_public *key, const void *data, size_t len,
		      const uint8_t *signature, size_t signature_len)
	__attribute__((warn_unused_result));

struct evp_pkey_st;
/* handle: a private key of that algorithm. False when libcrypto would not. */
bool signature_sign(struct evp_pkey_st *handle, enum key_algorithm algorithm, const void *data,
		    size_t len, uint8_t out[SIGNATURE_MAX], size_t *out_len)
	__attribute__((warn_unused_result));

#endif
