/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_KEY_ID_H
#define SEAL_KEY_ID_H

#include <stdbool.h>
#include <stdint.h>

/* A key's id: SHA-256 of its SubjectPublicKeyInfo (DER) as 64 lower-case hex digits. */
#define KEY_ID_SIZE sizeof("0000000000000000000000000000000000000000000000000000000000000000")

bool key_id_valid(const char *text);
/* sum: the SHA-256. */
void key_id_write(const uint8_t sum[32], char keyid[KEY_ID_SIZE]);

#endif
