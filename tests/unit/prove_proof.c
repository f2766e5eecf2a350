/* SPDX-License-Identifier: Apache-2.0 */
/* Group F over a whole proof: what sr-prove says of one, changed in every way. */
#include "stages/prove/examine.h"
#include "stages/prove/make.h"
#include "stages/seal/merkle.h"

#include "tests/support/evidence.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void make(const struct buf *report, uint64_t index, struct buf *proof)
{
	struct fault fault;

	buf_init(proof, EVIDENCE_MAX);
	cr_assert_eq(make_proof((struct span){report->data, report->len}, index, proof, &fault),
		     FAULT_NONE, "%s: %s", fault.path, fault.message);
}

static void report_of(size_t events, struct buf *report)
{
	struct buf stream BUF_CLEANUP;

	buf_init(&stream, EVIDENCE_MAX);
	buf_init(report, EVIDENCE_MAX);
	evidence_failed(&stream, events);
	evidence_seal(&stream, report);
}

static bool accepted(const char *text, size_t len)
{
	struct examination *examination = malloc(sizeof(*examination));
	bool valid;

	examine_init(examination);
	examine_proof(examination, (struct span){text, len});
	valid = checklist_valid(&examination->list);
	free(examination);
	return valid;
}

static bool accepted_buf(const struct buf *proof)
{
	return accepted(proof->data, proof->len);
}

/* Sizes 2^k and their neighbours; a report has two events at least. */
Test(prove_proof, what_is_made_is_accepted)
{
	static const size_t sizes[] = {2, 3, 4, 5, 7, 8, 9, 15, 16, 17};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct buf report;

		report_of(sizes[i], &report);
		for (uint64_t index = 0; index < sizes[i]; index++) {
			struct buf proof;

			make(&report, index, &proof);
			cr_expect(accepted_buf(&proof), "%" PRIu64 " of %zu", index, sizes[i]);
			buf_release(&proof);
		}
		buf_release(&report);
	}
}

Test(prove_proof, nothing_is_proved_of)
{
	struct buf report, proof;
	struct fault fault;

	report_of(5, &report);
	buf_init(&proof, EVIDENCE_MAX);
	cr_expect_neq(make_proof((struct span){report.data, report.len}, 5, &proof, &fault),
		      FAULT_NONE, "an index past the end");
	cr_expect_neq(
		make_proof((struct span){report.data, report.len}, UINT64_MAX, &proof, &fault),
		FAULT_NONE);
	report.data[report.len / 2] ^= 1;
	cr_expect_neq(make_proof((struct span){report.data, report.len}, 1, &proof, &fault),
		      FAULT_NONE, "a report that is not valid");
	cr_expect_eq(proof.len, 0);
	buf_release(&proof);
	buf_release(&report);
}

/* Replaces "name":<digits> behind the last comma of that name. */
static void put_number(const struct buf *proof, const char *name, uint64_t number, struct buf *out)
{
	char key[32];
	const char *at = NULL;

	snprintf(key, sizeof(key), "\"%s\":", name);
	for (const char *next = proof->data;
	     (next = memmem(next, proof->len - (size_t)(next - proof->data), key, strlen(key))) !=
	     NULL;
	     next++)
		at = next;
	cr_assert_not_null(at);
	at += strlen(key);
	buf_init(out, EVIDENCE_MAX);
	buf_append(out, proof->data, (size_t)(at - proof->data));
	buf_append_u64(out, number);
	at += strspn(at, "0123456789");
	buf_append(out, at, proof->len - (size_t)(at - proof->data));
}

/* Every other index and size is refused by the proof alone: the closing event counts the events. */
Test(prove_proof, another_index_or_size)
{
	for (size_t size = 2; size <= 17; size++) {
		struct buf report;

		report_of(size, &report);
		for (uint64_t index = 0; index < size; index++) {
			struct buf proof, changed;

			make(&report, index, &proof);
			for (uint64_t other = 0; other <= 2 * size + 1; other++) {
				put_number(&proof, "index", other, &changed);
				cr_expect_eq(accepted_buf(&changed), other == index,
					     "index %" PRIu64 " for %" PRIu64 " of %zu", other,
					     index, size);
				buf_release(&changed);
				put_number(&proof, "size", other, &changed);
				cr_expect_eq(accepted_buf(&changed), other == size,
					     "size %" PRIu64 " for %" PRIu64 " of %zu", other,
					     index, size);
				buf_release(&changed);
			}
			buf_release(&proof);
		}
		buf_release(&report);
	}
}

/* One bit anywhere, one byte less, one more: nothing but the bytes that were made. */
Test(prove_proof, every_bit_and_every_cut)
{
	struct buf report, proof;
	char *changed;
	size_t digest_at, run_at;

	report_of(5, &report);
	make(&report, 2, &proof);
	changed = malloc(proof.len + 1);
	digest_at =
		(size_t)((char *)memmem(proof.data, proof.len, "\"report\":{\"digest\":\"sha256:",
					strlen("\"report\":{\"digest\":\"sha256:")) -
			 proof.data) +
		strlen("\"report\":{\"digest\":\"sha256:");
	run_at = digest_at + 64;
	for (size_t bit = 0; bit < proof.len * 8; bit++) {
		size_t at = bit / 8;

		memcpy(changed, proof.data, proof.len);
		changed[at] ^= (char)(1 << bit % 8);
		/* The report's digest is held against a report or a signature, not against the
		 * tree. */
		if (at >= digest_at && at < run_at)
			continue;
		cr_expect_not(accepted(changed, proof.len), "bit %zu of byte %zu", bit % 8, at);
	}
	for (size_t len = 0; len < proof.len; len++)
		cr_expect_not(accepted(proof.data, len), "%zu bytes", len);
	memcpy(changed, proof.data, proof.len);
	changed[proof.len] = '\n';
	cr_expect_not(accepted(changed, proof.len + 1));
	free(changed);
	buf_release(&proof);
	buf_release(&report);
}

#define SIXTEEN "0000000000000000"

static const struct {
	const char *what, *find, *replace;
} edits[] = {
	{"path longer", "\"path\":[", "\"path\":[\"sha256:" SIXTEEN SIXTEEN SIXTEEN SIXTEEN "\","},
	{"upper case", "\"path\":[\"sha256:", "\"path\":[\"SHA256:"},
	{"another prefix", "\"path\":[\"sha256:", "\"path\":[\"sha512:"},
	{"33 bytes", "\"path\":[\"sha256:", "\"path\":[\"sha256:00"},
	{"a number in the path", "\"path\":[", "\"path\":[1,"},
	{"an unknown member", "\"size\":", "\"sizes\":"},
	{"another version", "safe-run.proof/v1", "safe-run.proof/v2"},
	{"another run", "\"runId\":\"sr-20260101-000000-0badcafe\"},\"root\"",
	 "\"runId\":\"sr-20260101-000000-0badcaff\"},\"root\""},
	{"negative", "\"index\":", "\"index\":-"},
};

static void replace(const struct buf *text, const char *find, const char *with, struct buf *out)
{
	const char *at = memmem(text->data, text->len, find, strlen(find));

	buf_init(out, EVIDENCE_MAX);
	cr_assert_not_null(at, "%s", find);
	buf_append(out, text->data, (size_t)(at - text->data));
	buf_append_text(out, with);
	at += strlen(find);
	buf_append(out, at, text->len - (size_t)(at - text->data));
}

Test(prove_proof, edits)
{
	struct buf report, proof;

	report_of(6, &report);
	make(&report, 3, &proof);
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		struct buf changed;

		replace(&proof, edits[i].find, edits[i].replace, &changed);
		cr_expect_not(accepted_buf(&changed), "%s", edits[i].what);
		buf_release(&changed);
	}
	/* A hash of 31 bytes: two digits fewer, wherever they stand. */
	{
		char *at = memmem(proof.data, proof.len, "\"path\":[\"sha256:", 16);
		struct buf changed;

		buf_init(&changed, EVIDENCE_MAX);
		cr_assert_not_null(at);
		at += 16;
		buf_append(&changed, proof.data, (size_t)(at - proof.data));
		at += 2;
		buf_append(&changed, at, proof.len - (size_t)(at - proof.data));
		cr_expect_not(accepted_buf(&changed));
		buf_release(&changed);
	}
	buf_release(&proof);
	buf_release(&report);
}

/* A tree of somebody's own over true events that are not where they were: the path holds, they do
 * not. */
Test(prove_proof, events_out_of_their_place)
{
	struct buf report, text;
	struct proof proof;
	inclusion_hash leaves[2];
	struct fault fault;
	struct head head;

	report_of(5, &report);
	make(&report, 3, &text);
	cr_assert_eq(proof_read((struct span){text.data, text.len}, &proof, &fault), FAULT_NONE);
	merkle_leaf(proof.subject.event.at, proof.subject.event.len, leaves[0]);
	merkle_leaf(proof.closing.event.at, proof.closing.event.len, leaves[1]);
	merkle_node(leaves[0], leaves[1], proof.root);
	proof.index = 0;
	proof.size = 2;
	cr_assert(inclusion_prove(leaves, 2, 0, &proof.subject.path));
	cr_assert(inclusion_prove(leaves, 2, 1, &proof.closing.path));
	cr_expect_eq(proof_check_path(&proof, &fault), FAULT_NONE);
	cr_expect_neq(proof_check_event(&proof, &proof.subject, 0, &head, &fault), FAULT_NONE);
	cr_expect_str_eq(fault.path, "seq");
	cr_expect_neq(proof_check_size(&proof, &fault), FAULT_NONE);
	buf_release(&text);
	buf_release(&report);
}

/* An event of one run under the tree of another, with everything that can be recomputed. */
Test(prove_proof, held_against_a_root_and_a_report)
{
	struct examination *examination = malloc(sizeof(*examination));
	struct buf report, other, proof;
	char root[] = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
	const char *named;

	report_of(6, &report);
	report_of(7, &other);
	make(&report, 3, &proof);
	named = memmem(proof.data, proof.len, "\"root\":\"", 8);
	cr_assert_not_null(named);
	examine_init(examination);
	examine_proof(examination, (struct span){proof.data, proof.len});
	examine_root(examination, root);
	cr_expect_not(checklist_valid(&examination->list));
	memcpy(root, named + 8, sizeof(root) - 1);
	examine_init(examination);
	examine_proof(examination, (struct span){proof.data, proof.len});
	examine_root(examination, root);
	cr_expect(checklist_valid(&examination->list));
	examine_report(examination, (struct span){report.data, report.len});
	cr_expect(checklist_valid(&examination->list));
	examine_report(examination, (struct span){other.data, other.len});
	cr_expect_not(checklist_valid(&examination->list));
	examine_init(examination);
	examine_proof(examination, (struct span){proof.data, proof.len});
	examine_root(examination, root + strlen("sha256:"));
	cr_expect(checklist_valid(&examination->list), "without the prefix too");
	examine_root(examination, "sha256:0");
	cr_expect_not(checklist_valid(&examination->list));
	free(examination);
	buf_release(&proof);
	buf_release(&other);
	buf_release(&report);
}
