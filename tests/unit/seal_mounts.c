/* SPDX-License-Identifier: Apache-2.0 */
/* mountAudit: what became of each mount in the end. */
#include "tests/support/evidence.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	const char *events; /* "v0 v1 a0 r1 r0": validated, applied, rejected, and which */
	const char *audit;
} streams[] = {
	{"none", "", "{\"accepted\":0,\"reasons\":[],\"rejected\":0,"},
	{"one", "v0 a0", "{\"accepted\":1,\"reasons\":[],\"rejected\":0,"},
	{"one refused", "r0", "{\"accepted\":0,\"reasons\":[\"reason 0\"],\"rejected\":1,"},
	{"one not mounted", "v0 r0", "{\"accepted\":0,\"reasons\":[\"reason 0\"],\"rejected\":1,"},
	{"others unchanged", "v0 r1 v2",
	 "{\"accepted\":2,\"reasons\":[\"reason 1\"],\"rejected\":1,"},
	{"taken back", "v0 v1 v2 a0 r1 r0",
	 "{\"accepted\":1,\"reasons\":[\"reason 1\",\"reason 0\"],\"rejected\":2,"},
	{"the last there can be", "v63 v62 r63",
	 "{\"accepted\":1,\"reasons\":[\"reason 63\"],\"rejected\":1,"},
};

static void add_mount_event(struct buf *out, uint64_t seq, char kind, unsigned index)
{
	const char *type = kind == 'v'	 ? "mount.validated"
			   : kind == 'a' ? "mount.applied"
					 : "mount.rejected";
	char payload[256], reason[40] = "";

	if (kind == 'r')
		(void)snprintf(reason, sizeof reason, "\"reason\":\"reason %u\",", index);
	(void)snprintf(payload, sizeof payload,
		       "{\"bootNs\":\"%u\",\"index\":%u,\"observedBy\":\"launcher\",%s"
		       "\"source\":\"/data\",\"target\":\"/data\"}",
		       1500 + (unsigned)seq, index, reason);
	evidence_event(out, seq, "launch", type, payload);
}

/* The first event of a run that failed, these, and its last. */
static void make_stream(struct buf *out, const char *events)
{
	struct buf failed BUF_CLEANUP;
	const char *second;
	char number[32];
	unsigned index;
	uint64_t seq = 1;
	char kind;
	size_t len;

	buf_init(&failed, EVIDENCE_MAX);
	evidence_failed(&failed, 2);
	len = (size_t)((const char *)memchr(failed.data, '\n', failed.len) + 1 - failed.data);
	buf_append(out, failed.data, len);
	for (; sscanf(events, " %c%u", &kind, &index) == 2; seq++) {
		add_mount_event(out, seq, kind, index);
		events += strspn(events, " ");
		events += strcspn(events, " ");
	}
	(void)snprintf(number, sizeof number, "\"seq\":%u,", (unsigned)seq);
	evidence_replace(&failed, "\"seq\":1,", number, 0);
	second = failed.data + len;
	buf_append(out, second, failed.len - len);
}

Test(seal_mounts, audit)
{
	for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
		struct buf stream BUF_CLEANUP;
		struct buf report BUF_CLEANUP;
		char wanted[256];

		buf_init(&stream, EVIDENCE_MAX);
		buf_init(&report, EVIDENCE_MAX);
		make_stream(&stream, streams[i].events);
		evidence_seal(&stream, &report);
		(void)snprintf(wanted, sizeof wanted, "\"mountAudit\":%s", streams[i].audit);
		cr_expect_not_null(memmem(report.data, report.len, wanted, strlen(wanted)),
				   "%s: %.*s", streams[i].name, (int)report.len, report.data);
	}
}
