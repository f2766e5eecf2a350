/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/ratchet.h"

#include <string.h>

#define BLOCK_SIZE 64 /* of SHA-256, which HMAC (RFC 2104) pads its key to */

#define DOMAIN(name) "safe-run.forward/v1 " name

static const char start[] = DOMAIN("start");
static const char origin[] = DOMAIN("origin");
static const char event_tag[] = DOMAIN("event");
static const char aggregate[] = DOMAIN("aggregate");
static const char evolve[] = DOMAIN("evolve");
static const char closing_tag[] = DOMAIN("close");

static void begin(struct digest *running, const uint8_t key[RATCHET_KEY_SIZE], uint8_t fill)
{
	uint8_t pad[BLOCK_SIZE];

	memset(pad, fill, sizeof(pad));
	for (size_t i = 0; i < RATCHET_KEY_SIZE; i++)
		pad[i] ^= key[i];
	digest_reset(running);
	digest_update(running, pad, sizeof(pad));
	explicit_bzero(pad, sizeof(pad));
}

/* HMAC-SHA256 of what is put in between the two. */
static void mac_begin(struct ratchet *ratchet, const uint8_t key[RATCHET_KEY_SIZE])
{
	begin(ratchet->running, key, 0x36);
}

static void mac_end(struct ratchet *ratchet, const uint8_t key[RATCHET_KEY_SIZE],
		    uint8_t out[DIGEST_SIZE])
{
	uint8_t inner[DIGEST_SIZE];

	digest_finish(ratchet->running, inner);
	begin(ratchet->running, key, 0x5c);
	digest_update(ratchet->running, inner, sizeof(inner));
	digest_finish(ratchet->running, out);
	explicit_bzero(inner, sizeof(inner));
}

static void put_count(struct ratchet *ratchet)
{
	uint8_t bytes[sizeof(uint64_t)];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(ratchet->count >> (56 - 8 * i));
	digest_update(ratchet->running, bytes, sizeof(bytes));
}

static void add_tag(struct ratchet *ratchet, const uint8_t tag[DIGEST_SIZE])
{
	digest_reset(ratchet->running);
	digest_update(ratchet->running, aggregate, sizeof(aggregate));
	digest_update(ratchet->running, ratchet->aggregate, sizeof(ratchet->aggregate));
	digest_update(ratchet->running, tag, DIGEST_SIZE);
	digest_finish(ratchet->running, ratchet->aggregate);
}

/* What libcrypto's block function leaves below us: its schedule of the padded key (AVX2: 1 KiB). */
__attribute__((noinline)) static void wipe_stack(void)
{
	uint8_t room[2048];

	explicit_bzero(room, sizeof(room));
}

void ratchet_start(struct ratchet *ratchet, const uint8_t key[RATCHET_KEY_SIZE], const char *run_id)
{
	*ratchet = (struct ratchet){.running = digest_new()};
	mac_begin(ratchet, key);
	digest_update(ratchet->running, start, sizeof(start));
	digest_update(ratchet->running, run_id, strlen(run_id));
	mac_end(ratchet, key, ratchet->key);
	digest_reset(ratchet->running);
	digest_update(ratchet->running, origin, sizeof(origin));
	digest_update(ratchet->running, run_id, strlen(run_id));
	digest_finish(ratchet->running, ratchet->aggregate);
	wipe_stack();
}

void ratchet_take(struct ratchet *ratchet, const void *event, size_t len)
{
	uint8_t tag[DIGEST_SIZE];
	uint8_t next[RATCHET_KEY_SIZE];

	mac_begin(ratchet, ratchet->key);
	digest_update(ratchet->running, event_tag, sizeof(event_tag));
	put_count(ratchet);
	digest_update(ratchet->running, event, len);
	mac_end(ratchet, ratchet->key, tag);
	mac_begin(ratchet, ratchet->key);
	digest_update(ratchet->running, evolve, sizeof(evolve));
	mac_end(ratchet, ratchet->key, next);
	memcpy(ratchet->key, next, sizeof(ratchet->key));
	add_tag(ratchet, tag);
	ratchet->count++;
	explicit_bzero(tag, sizeof(tag));
	explicit_bzero(next, sizeof(next));
	wipe_stack();
}

void ratchet_close(struct ratchet *ratchet)
{
	uint8_t tag[DIGEST_SIZE];

	mac_begin(ratchet, ratchet->key);
	digest_update(ratchet->running, closing_tag, sizeof(closing_tag));
	put_count(ratchet);
	mac_end(ratchet, ratchet->key, tag);
	explicit_bzero(ratchet->key, sizeof(ratchet->key));
	add_tag(ratchet, tag);
	explicit_bzero(tag, sizeof(tag));
	wipe_stack();
}

void ratchet_release(struct ratchet *ratchet)
{
	explicit_bzero(ratchet->key, sizeof(ratchet->key));
	digest_free(ratchet->running);
	ratchet->running = NULL;
}
