/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/verify/succession.h"

#include "ipc/canon.h"
#include "stages/seal/digest.h"
#include "stages/seal/lineage.h"
#include "stages/verify/bundle.h"

#include <string.h>

static const char prev_path[] = "statement.predicate.prev";
static const char chain_path[] = "chain";

static void hash(struct span bytes, char out[DIGEST_TEXT_SIZE])
{
	uint8_t sum[DIGEST_SIZE];

	digest_bytes(bytes.at, bytes.len, sum);
	digest_text(sum, out);
}

void succession_check_prev(const struct statement *statement, struct span prev,
			   struct verdict *verdict)
{
	struct span said = statement->fields[STATEMENT_PREV];
	struct bundle before;
	struct fault fault;
	char digest[DIGEST_TEXT_SIZE];

	hash(prev, digest);
	if (bundle_read(prev, &before, &fault) != FAULT_NONE)
		verdict_refuse(verdict, VERDICT_PREV, &fault);
	else if (span_null(said))
		verdict_refuse_at(verdict, VERDICT_PREV, prev_path,
				  "this run says that it was the first");
	else if (!span_says(span_get(said, "bundleDigest"), digest) ||
		 !span_same(span_get(said, "runId"), before.statement.fields[STATEMENT_RUN_ID]))
		verdict_refuse_at(verdict, VERDICT_PREV, prev_path,
				  "the run before was another, %.*s: one is missing or was put in",
				  said.len < 200 ? (int)said.len : 200, said.at);
	bundle_release(&before);
	verdict_pass(verdict, VERDICT_PREV);
}

/* False, and rest as it was, at what is no whole line of canonical JSON. */
static bool next_line(struct span *rest, struct span *line)
{
	const char *end = rest->len == 0 ? NULL : memchr(rest->at, '\n', rest->len);

	if (end == NULL)
		return false;
	*line = (struct span){.at = rest->at, .len = (size_t)(end - rest->at)};
	if (!canon_check(line->at, line->len, NULL))
		return false;
	rest->at += line->len + 1;
	rest->len -= line->len + 1;
	return true;
}

void succession_check_chain(const struct statement *statement, struct span bundle,
			    struct span chain, struct verdict *verdict)
{
	struct span said = statement->fields[STATEMENT_PREV];
	struct span line, before = {"null", 4};
	char digest[DIGEST_TEXT_SIZE];
	size_t found = 0;

	hash(bundle, digest);
	while (next_line(&chain, &line)) {
		if (span_same(span_get(line, "runId"), statement->fields[STATEMENT_RUN_ID])) {
			found++;
			if (!span_says(span_get(line, "bundleDigest"), digest))
				verdict_refuse_at(verdict, VERDICT_PREV, chain_path,
						  "the chain has another bundle for this run");
			if (!span_same(said, before))
				verdict_refuse_at(verdict, VERDICT_PREV, prev_path,
						  "the chain has %.*s before this run",
						  before.len < 200 ? (int)before.len : 200,
						  before.at);
		}
		before = line;
	}
	if (chain.len > 0)
		verdict_refuse_at(verdict, VERDICT_PREV, chain_path,
				  "it ends in %zu bytes that are no whole line", chain.len);
	if (found != 1)
		verdict_refuse_at(verdict, VERDICT_PREV, chain_path,
				  "the run stands %zu times in the chain", found);
	verdict_pass(verdict, VERDICT_PREV);
}
