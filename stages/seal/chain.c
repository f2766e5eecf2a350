/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/chain.h"

#include <string.h>

#define GENESIS "sha256:0000000000000000000000000000000000000000000000000000000000000000"

static const char prev_open[] = "{\"hashPrev\":\"";
static const char self_open[] = "\"hashSelf\":\"";
static const char hash_close[] = "\",";

#define TEXT_LEN(array) (sizeof(array) - 1)

void chain_init(struct chain *chain)
{
	memcpy(chain->last, GENESIS, sizeof(chain->last));
	chain->self = digest_new();
	merkle_init(&chain->tree);
}

void chain_release(struct chain *chain)
{
	digest_free(chain->self);
	chain->self = NULL;
	merkle_release(&chain->tree);
}

/* The hash of the event without hashSelf: rest is what stands behind the hashes, from "payload". */
static void hash_self(struct chain *chain, struct span prev, struct span rest,
		      char out[DIGEST_TEXT_SIZE])
{
	uint8_t value[DIGEST_SIZE];

	digest_reset(chain->self);
	digest_update(chain->self, prev_open, TEXT_LEN(prev_open));
	digest_update(chain->self, prev.at, prev.len);
	digest_update(chain->self, hash_close, TEXT_LEN(hash_close));
	digest_update(chain->self, rest.at, rest.len);
	digest_value(chain->self, value);
	digest_text(value, out);
}

void chain_seal(struct chain *chain, const struct head *head, struct buf *out)
{
	struct span prev = {.at = chain->last, .len = DIGEST_TEXT_SIZE - 1};
	struct span rest = {.at = head->line.at + 1, .len = head->line.len - 1};
	char self[DIGEST_TEXT_SIZE];
	size_t start = out->len;

	hash_self(chain, prev, rest, self);
	buf_append(out, prev_open, TEXT_LEN(prev_open));
	buf_append(out, prev.at, prev.len);
	buf_append(out, hash_close, TEXT_LEN(hash_close));
	buf_append(out, self_open, TEXT_LEN(self_open));
	buf_append(out, self, sizeof(self) - 1);
	buf_append(out, hash_close, TEXT_LEN(hash_close));
	buf_append(out, rest.at, rest.len);
	merkle_add(&chain->tree, out->data + start, out->len - start);
	memcpy(chain->last, self, sizeof(self));
}

enum chain_break chain_check(struct chain *chain, const struct head *head)
{
	const char *rest = head->payload.at - TEXT_LEN("\"payload\":");
	const char *end = head->line.at + head->line.len;
	enum chain_break broken = CHAIN_WHOLE;
	char self[DIGEST_TEXT_SIZE];

	if (!span_equal(head->hash_prev, chain->last))
		broken = CHAIN_PREV;
	hash_self(chain, head->hash_prev, (struct span){rest, (size_t)(end - rest)}, self);
	if (broken == CHAIN_WHOLE && !span_equal(head->hash_self, self))
		broken = CHAIN_SELF;
	memcpy(chain->last, head->hash_self.at, DIGEST_TEXT_SIZE - 1);
	merkle_add(&chain->tree, head->line.at, head->line.len);
	return broken;
}

void chain_root(const struct chain *chain, char out[DIGEST_TEXT_SIZE])
{
	uint8_t root[DIGEST_SIZE];

	merkle_root(&chain->tree, root);
	digest_text(root, out);
}
