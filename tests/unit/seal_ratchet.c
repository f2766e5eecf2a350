/* SPDX-License-Identifier: Apache-2.0 */
/* The known answers are what tests/vectors/forward/recompute.py prints, which shares no code. */
#include "stages/seal/ratchet.h"

#include <criterion/criterion.h>
#include <openssl/sha.h>
#include <string.h>

#define RUN_ID	  "sr-1"
#define EVENT_MAX 1000

static const struct {
	char fill; /* the event behind this many; NUL: "{}" */
	size_t len;
	const char *open, *closed; /* with this many events */
} answers[] = {
	{'a', 0, "a397ed26159fe9cb85ea5d70c5eeea588fc16a1791bec1fda17064cf353c0b5d",
	 "07207900d55db6a86556e4af2f0d72f2f5afa4eb1b6574be4876061a7a1416c4"},
	{'a', 1, "5e7aebf17c858eac290e9a381d467268e9f435205cf8ec21a4d9e4323575af5b",
	 "548d55fd643f0f7b3064c8dac84c5f612c3e99a926655151f77d3acd7b9800e3"},
	{'\0', 2, "84ae9c8458adadc901c5f5aee5ac3e9f4fb3ca34c2728a45d02d19dc10310a2d",
	 "6b4c3951eaafa4a41c264b8649504852ac3be844d7330eac1224783d7d428d48"},
	{'x', 64, "64d1397f0b03f6d56bc6c4b4549a2fed93c61ad74ea7caa3818c64cf0d91b398",
	 "0dd87761e3702655e408f29ed67dd80c8497cba38a252eeb84279c637b456858"},
	{'y', EVENT_MAX, "5e7043dfcd15c605159c939758cc026cdbbd5898dd6d7d63b2ff6a7c0d2df772",
	 "b139e47e1440587a68d47100764ec48e4ce899e282837196982008ff54ed714c"},
	{'-', 0, "4419710da4ab8bbc531c78bd60b2711d25d176708ea5adc9c1a6ca2848bee99c",
	 "59f42569a635c0c852b3b326a4f364102cc5344775197c793200a7d7477cfbf5"},
};

#define COUNT (sizeof(answers) / sizeof(answers[0]))

static void first_key(uint8_t key[RATCHET_KEY_SIZE])
{
	for (size_t i = 0; i < RATCHET_KEY_SIZE; i++)
		key[i] = (uint8_t)i;
}

static void start(struct ratchet *ratchet)
{
	uint8_t key[RATCHET_KEY_SIZE];

	first_key(key);
	ratchet_start(ratchet, key, RUN_ID);
}

static void take(struct ratchet *ratchet, size_t index)
{
	char event[EVENT_MAX];

	memset(event, answers[index].fill, sizeof(event));
	if (answers[index].fill == '\0')
		memcpy(event, "{}", 2);
	ratchet_take(ratchet, event, answers[index].len);
}

static void expect(const struct ratchet *ratchet, const char *hex)
{
	char text[DIGEST_TEXT_SIZE];

	digest_text(ratchet->aggregate, text);
	cr_expect_str_eq(text + strlen("sha256:"), hex, "%zu events", (size_t)ratchet->count);
}

Test(seal_ratchet, known_answers)
{
	for (size_t count = 0; count < COUNT; count++) {
		struct ratchet ratchet;

		start(&ratchet);
		for (size_t i = 0; i < count; i++)
			take(&ratchet, i);
		cr_expect_eq(ratchet.count, count);
		expect(&ratchet, answers[count].open);
		ratchet_close(&ratchet);
		expect(&ratchet, answers[count].closed);
		ratchet_release(&ratchet);
	}
}

static bool holds(const void *memory, size_t len, const uint8_t key[RATCHET_KEY_SIZE])
{
	return memmem(memory, len, key, RATCHET_KEY_SIZE) != NULL;
}

/* What an intruder finds behind each event: the next key, and none of those before. */
Test(seal_ratchet, no_key_outlives_its_event)
{
	static const uint8_t nothing[RATCHET_KEY_SIZE];
	uint8_t keys[COUNT][RATCHET_KEY_SIZE];
	struct ratchet ratchet;

	first_key(keys[0]);
	start(&ratchet);
	for (size_t i = 1; i < COUNT; i++) {
		memcpy(keys[i], ratchet.key, sizeof(ratchet.key));
		take(&ratchet, i);
		for (size_t k = 0; k <= i; k++)
			cr_expect_not(holds(&ratchet, sizeof(ratchet), keys[k]), "key %zu", k);
		cr_expect_not(holds(&ratchet.key, sizeof(ratchet.key), nothing));
	}
	ratchet_close(&ratchet);
	cr_expect(holds(&ratchet.key, sizeof(ratchet.key), nothing));
	ratchet_release(&ratchet);
}

/* The running hash, which the padded key went through, keeps nothing: no input, no state. */
Test(seal_ratchet, the_hash_is_erased)
{
	static const uint8_t nothing[sizeof(SHA256_CTX)];
	uint8_t secret[DIGEST_SIZE], value[DIGEST_SIZE];
	struct digest *running = digest_new();

	memset(secret, 0x5a, sizeof(secret));
	digest_update(running, secret, sizeof(secret));
	cr_expect(holds(running, sizeof(nothing), secret), "the test looks elsewhere");
	digest_finish(running, value);
	cr_expect_eq(memcmp(running, nothing, sizeof(nothing)), 0);
	digest_bytes(secret, sizeof(secret), secret);
	cr_expect_arr_eq(value, secret, sizeof(value));
	digest_free(running);
}

static const struct {
	const char *name, *run_id;
	uint8_t key_bit;
	size_t order[2];
} others[] = {
	{"other run", "sr-2", 0, {1, 2}}, {"longer run id", RUN_ID "1", 0, {1, 2}},
	{"key", RUN_ID, 1, {1, 2}},	  {"swapped", RUN_ID, 0, {2, 1}},
	{"doubled", RUN_ID, 0, {1, 1}},
};

Test(seal_ratchet, everything_counts)
{
	struct ratchet ratchet;
	uint8_t expected[DIGEST_SIZE];

	start(&ratchet);
	take(&ratchet, 1);
	take(&ratchet, 2);
	memcpy(expected, ratchet.aggregate, sizeof(expected));
	ratchet_release(&ratchet);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		uint8_t key[RATCHET_KEY_SIZE];

		first_key(key);
		key[RATCHET_KEY_SIZE - 1] ^= others[i].key_bit;
		ratchet_start(&ratchet, key, others[i].run_id);
		take(&ratchet, others[i].order[0]);
		take(&ratchet, others[i].order[1]);
		cr_expect_neq(memcmp(expected, ratchet.aggregate, sizeof(expected)), 0, "%s",
			      others[i].name);
		ratchet_release(&ratchet);
	}
}
