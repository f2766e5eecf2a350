/* SPDX-License-Identifier: Apache-2.0 */
/* The archive's small parts: retention, leaves, prune records, settings, lines. */
#include "stages/archive/leaf.h"
#include "stages/archive/ledger.h"
#include "stages/archive/prune_record.h"
#include "stages/archive/references.h"
#include "stages/archive/retention.h"
#include "stages/archive/settings.h"

#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *text;
	bool taken;
	uint64_t seconds;
} retentions[] = {
	{"1h", true, 3600},
	{"180d", true, 180 * 86400},
	{"1y", true, 365 * 86400},
	{"99y", true, UINT64_C(99) * 365 * 86400},
	{"100y", true, RETENTION_MAX_SEC},
	{"101y", false, 0},
	{"36500d", true, RETENTION_MAX_SEC},
	{"36501d", false, 0},
	{"876000h", true, RETENTION_MAX_SEC},
	{"876001h", false, 0},
	{"forever", true, RETENTION_NEVER},
	{"0h", false, 0},
	{"0d", false, 0},
	{"01d", false, 0},
	{"-1d", false, 0},
	{"+1d", false, 0},
	{"1", false, 0},
	{"d", false, 0},
	{"", false, 0},
	{"1m", false, 0},
	{"1w", false, 0},
	{"1d ", false, 0},
	{" 1d", false, 0},
	{"1.5d", false, 0},
	{"1D", false, 0},
	{"Forever", false, 0},
	{"99999999999999999999d", false, 0},
	{"18446744073709551617h", false, 0},
};

Test(archive_parts, retention)
{
	for (size_t i = 0; i < COUNT(retentions); i++) {
		uint64_t seconds = 0;

		cr_expect_eq(retention_read(retentions[i].text, &seconds), retentions[i].taken,
			     "%s", retentions[i].text);
		if (retentions[i].taken)
			cr_expect_eq(seconds, retentions[i].seconds, "%s", retentions[i].text);
	}
}

/* Against event_timestamp_format, which goes the other way. */
Test(archive_parts, moments)
{
	static const uint64_t days[] = {0,     1,     58,    59,    60,	   365,	  789,	 790,
					10957, 11016, 11017, 19782, 19783, 20000, 47540, 2932896};
	char text[EVENT_TIMESTAMP_SIZE];
	uint64_t seconds;

	for (size_t i = 0; i < COUNT(days); i++)
		for (uint64_t of_day = 0; of_day < 86400; of_day += 86399) {
			event_timestamp_format(days[i] * 86400 + of_day, 5, text);
			cr_expect(retention_moment(text, &seconds), "%s", text);
			cr_expect_eq(seconds, days[i] * 86400 + of_day, "%s", text);
		}
	cr_expect_not(retention_moment("1969-12-31T23:59:59.000000000Z", &seconds));
	cr_expect_not(retention_moment("2026-02-29T00:00:00.000000000Z", &seconds));
	cr_expect_eq(retention_end("1970-01-02T00:00:00.000000000Z", "1d"), 2 * 86400);
	cr_expect_eq(retention_end("1970-01-02T00:00:00.000000000Z", "forever"), RETENTION_NEVER);
}

static void leaf_make(struct leaf *leaf)
{
	*leaf = (struct leaf){
		.run_id = "sr-20260101-000000-0badcafe",
		.stored_at = "2026-01-01T00:00:00.000000000Z",
		.retention = "180d",
		.report = {.hash = {1}, .len = 77},
		.is_signed = true,
		.signature = {.hash = {2}, .len = 9},
		.exit_code = 255,
		.started_at = "2026-01-01T00:00:00.000000000Z",
		.state = "finished",
		.algorithm = "SHA-256",
		.result = "valid",
		.trust = "self",
		.verified_at = "2026-01-01T00:00:00.000000000Z",
	};
	memset(leaf->report_digest, 'a', DIGEST_TEXT_SIZE - 1);
	memcpy(leaf->report_digest, "sha256:", 7);
	leaf_identify(leaf);
}

static void leaf_text(const struct leaf *leaf, struct buf *out)
{
	buf_init(out, LEAF_LEN_MAX);
	leaf_write(leaf, out);
}

Test(archive_parts, a_leaf_comes_back)
{
	struct leaf leaf, again;
	struct fault fault;
	struct buf text, second;

	for (int variant = 0; variant < 4; variant++) {
		leaf_make(&leaf);
		leaf.is_signed = (variant & 1) != 0;
		if ((variant & 2) != 0)
			memset(leaf.keyid, 0x61, KEY_ID_SIZE - 1);
		leaf_identify(&leaf);
		leaf_text(&leaf, &text);
		cr_assert_eq(leaf_read((struct span){text.data, text.len}, &again, &fault),
			     FAULT_NONE, "%s: %s", fault.path, fault.message);
		leaf_text(&again, &second);
		cr_expect_eq(text.len, second.len);
		cr_expect_eq(memcmp(text.data, second.data, text.len), 0);
		cr_expect_str_eq(again.bundle_id, leaf.bundle_id);
		buf_release(&text);
		buf_release(&second);
	}
}

/* Every bit of it that still reads is a bit of something it says, never of its form. */
Test(archive_parts, a_leaf_cut_or_edited)
{
	static const char *const edits[][2] = {
		{"\"bundleId\":\"sb-", "\"bundleId\":\"SB-"},
		{"180d", "180x"},
		{"sr-2026", "../2026"},
		{"\"exitCode\":255", "\"exitCode\":-55"},
		{"\"signature\":{", "\"signaturf\":{"},
		{"2026-01-01T", "2026-13-01T"},
		{"archive/v1", "archive/v2"},
		{"\"sha256\":\"sha256:01", "\"sha256\":\"sha256:0A"},
		{"\"sha256\":\"sha256:01", "\"sha256\":\"sha256:02"},
		{"{\"archive\"", "[\"archive\""},
	};
	struct leaf leaf, again;
	struct fault fault;
	struct buf text;

	leaf_make(&leaf);
	leaf_text(&leaf, &text);
	for (size_t len = 0; len < text.len; len++)
		cr_expect_neq(leaf_read((struct span){text.data, len}, &again, &fault), FAULT_NONE);
	for (size_t i = 0; i < COUNT(edits); i++) {
		struct buf changed;
		char *at;

		leaf_text(&leaf, &changed);
		at = memmem(changed.data, changed.len, edits[i][0], strlen(edits[i][0]));
		cr_assert_not_null(at, "%s", edits[i][0]);
		memcpy(at, edits[i][1], strlen(edits[i][1]));
		cr_expect_neq(leaf_read((struct span){changed.data, changed.len}, &again, &fault),
			      FAULT_NONE, "%s", edits[i][1]);
		buf_release(&changed);
	}
	buf_release(&text);
}

Test(archive_parts, bundle_ids)
{
	char id[LEAF_ID_SIZE + 1];

	memset(id, 'a', sizeof(id));
	memcpy(id, "sb-", 3);
	id[LEAF_ID_SIZE - 1] = '\0';
	cr_expect(leaf_id_valid(id));
	id[10] = 'g';
	cr_expect_not(leaf_id_valid(id));
	id[10] = 'A';
	cr_expect_not(leaf_id_valid(id));
	id[10] = 'a';
	id[LEAF_ID_SIZE - 2] = '\0';
	cr_expect_not(leaf_id_valid(id));
	memset(id + 3, 'a', LEAF_ID_SIZE - 3);
	id[LEAF_ID_SIZE] = '\0';
	cr_expect_not(leaf_id_valid(id));
	cr_expect_not(leaf_id_valid("../x"));
	cr_expect_not(leaf_id_valid(""));
}

Test(archive_parts, prune_records)
{
	struct prune_record record = {.pruned_at = "2026-01-01T00:00:00.000000000Z"}, again;
	struct buf text BUF_CLEANUP;
	struct leaf leaf;
	struct fault fault;

	leaf_make(&leaf);
	memcpy(record.bundle_id, leaf.bundle_id, sizeof(record.bundle_id));
	buf_init(&text, LEAF_LEN_MAX);
	prune_record_write(&record, &text);
	cr_expect_eq(prune_record_read((struct span){text.data, text.len}, &again, &fault),
		     FAULT_NONE, "%s", fault.message);
	cr_expect_str_eq(again.bundle_id, record.bundle_id);
	for (size_t len = 0; len < text.len; len++)
		cr_expect_neq(prune_record_read((struct span){text.data, len}, &again, &fault),
			      FAULT_NONE);
}

Test(archive_parts, settings)
{
	static const struct {
		const char *text;
		bool taken;
	} rows[] = {
		{"{\"origin\":\"o\",\"schemaVersion\":\"safe-run.archive/v1\"}", true},
		{"{\"origin\":\"o\",\"schemaVersion\":\"safe-run.archive/v2\"}", false},
		{"{\"origin\":\"o o\",\"schemaVersion\":\"safe-run.archive/v1\"}", false},
		{"{\"origin\":\"\\n\",\"schemaVersion\":\"safe-run.archive/v1\"}", false},
		{"{\"origin\":1,\"schemaVersion\":\"safe-run.archive/v1\"}", false},
		{"{\"schemaVersion\":\"safe-run.archive/v1\"}", false},
		{"{\"origin\":\"o\",\"schemaVersion\":\"safe-run.archive/v1\"}\n", false},
		{"[]", false},
		{"", false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct settings settings;
		struct fault fault;

		cr_expect_eq(settings_read((struct span){rows[i].text, strlen(rows[i].text)},
					   &settings, &fault) == FAULT_NONE,
			     rows[i].taken, "%s", rows[i].text);
	}
}

/* Lines across the buffer's edge, an empty file, an end without LF. */
Test(archive_parts, lines_of_a_ledger)
{
	char *directory = child_make_dir("ledger"), path[700];
	static char line[60000];
	struct ledger ledger;
	struct ledger_walk walk;
	struct fault fault;
	struct span found;
	uint64_t offset, count = 0;
	int fd = open(directory, O_RDONLY | O_DIRECTORY);
	FILE *file;

	snprintf(path, sizeof(path), "%s/lines", directory);
	file = fopen(path, "w");
	cr_assert_not_null(file);
	for (size_t i = 0; i < 40; i++) {
		memset(line, 'a' + (int)(i % 26), sizeof(line));
		fwrite(line, 1, 1 + i * 1500 % sizeof(line), file);
		fputc('\n', file);
	}
	fputs("torn", file);
	fclose(file);
	cr_assert_eq(ledger_open(&ledger, fd, "lines", LEDGER_WRITE, &fault), FAULT_NONE);
	cr_expect_eq(ledger.torn, 4);
	ledger_walk_init(&walk, &ledger, 0);
	for (; ledger_next(&walk, &found, &offset, &fault); count++) {
		cr_expect_eq(found.len, 1 + count * 1500 % sizeof(line), "line %lu", (long)count);
		cr_expect_eq(found.at[0], 'a' + (int)(count % 26));
		cr_expect_eq(found.at[found.len - 1], 'a' + (int)(count % 26));
	}
	cr_expect_eq(fault.code, FAULT_NONE);
	cr_expect_eq(count, 40);
	ledger_walk_release(&walk);
	cr_assert_eq(ledger_repair(&ledger, &fault), FAULT_NONE);
	cr_assert_eq(ledger_append(&ledger, (struct span){"whole", 5}, &fault), FAULT_NONE);
	cr_expect_neq(ledger_append(&ledger, (struct span){"a\nb", 3}, &fault), FAULT_NONE);
	ledger_close(&ledger);
	cr_assert_eq(ledger_open(&ledger, fd, "lines", LEDGER_READ, &fault), FAULT_NONE);
	cr_expect_eq(ledger.torn, 0);
	ledger_close(&ledger);
	cr_assert_eq(ledger_open(&ledger, fd, "nothing", LEDGER_READ, &fault), FAULT_NONE);
	cr_expect_lt(ledger.fd, 0);
	close(fd);
	child_remove_dir(directory);
	free(directory);
}

Test(archive_parts, references)
{
	struct references references = {.items = NULL};
	struct leaf_body body = {.len = 1};

	for (int i = 0; i < 1000; i++) {
		body.hash[0] = (uint8_t)(i * 7);
		body.hash[1] = (uint8_t)(i / 256);
		references_add(&references, &body, (uint64_t)(i % 3), (uint64_t)i);
	}
	references_sort(&references);
	for (int i = 0; i < 1000; i++) {
		const struct reference *found;

		body.hash[0] = (uint8_t)(i * 7);
		body.hash[1] = (uint8_t)(i / 256);
		found = references_find(&references, body.hash);
		cr_assert_not_null(found);
		cr_expect(found == references.items ||
			  memcmp(found[-1].hash, found->hash, DIGEST_SIZE) != 0);
	}
	body.hash[5] = 1;
	cr_expect_null(references_find(&references, body.hash));
	references_release(&references);
}
