/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VERIFY_HASH_TEXT_H
#define VERIFY_HASH_TEXT_H

#include "stages/seal/digest.h"
#include "stages/seal/span.h"

#include <stdbool.h>
#include <stdint.h>

/* "sha256:<64 lower-case hex>", what digest_text writes, back to 32 bytes; false for any other
 * text.
 */
bool hash_text_read(struct span text, uint8_t out[DIGEST_SIZE]) __attribute__((warn_unused_result));

#endif
