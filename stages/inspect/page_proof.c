/* SPDX-License-Identifier: Apache-2.0 */
/* What the report proves and what not, and how to find out without safe-run. */
#include "stages/inspect/archived.h"
#include "stages/inspect/page.h"

#include <json-c/json.h>
#include <string.h>

static struct json_object *member(const struct page *page, const char *name)
{
	return json_object_object_get(page->view->verification, name);
}

static void say(const struct page *page, struct json_object *object)
{
	const char *text = json_object_get_string(object);

	page_say(page, text != NULL ? text : "-");
}

static void put_checks(const struct page *page)
{
	struct json_object *checks = member(page, "checks");

	page_put(page, "<ul class=\"checks\">\n");
	for (size_t i = 0; i < json_object_array_length(checks); i++) {
		struct json_object *check = json_object_array_get_idx(checks, i);
		bool ok = json_object_get_boolean(json_object_object_get(check, "ok"));

		page_put(page, ok ? "<li class=\"good\">" : "<li class=\"bad\">failed: ");
		say(page, json_object_object_get(check, "name"));
		page_put(page, "</li>\n");
	}
	page_put(page, "</ul>\n");
}

static void put_errors(const struct page *page)
{
	struct json_object *errors = member(page, "errors");
	size_t count = json_object_array_length(errors);

	if (count == 0)
		return;
	page_put(page, "<ul class=\"errors\">\n");
	for (size_t i = 0; i < count; i++) {
		struct json_object *error = json_object_array_get_idx(errors, i);

		page_put(page, "<li><b>");
		say(page, json_object_object_get(error, "code"));
		page_put(page, "</b> <code>");
		say(page, json_object_object_get(error, "path"));
		page_put(page, "</code> ");
		say(page, json_object_object_get(error, "message"));
		page_put(page, "</li>\n");
	}
	page_put(page, "</ul>\n");
}

static bool is(const struct page *page, const char *name, const char *text)
{
	const char *found = json_object_get_string(member(page, name));

	return found != NULL && strcmp(found, text) == 0;
}

static bool signed_by_trusted(const struct page *page)
{
	const char *trust = json_object_get_string(member(page, "trust"));

	return trust != NULL &&
	       (strcmp(trust, "signed") == 0 || strncmp(trust, "logged(", strlen("logged(")) == 0);
}

/* Who signed, as the bundle says; no more than a claim unless the key is trusted. */
static void put_signer(const struct page *page)
{
	if (member(page, "keyid") == NULL)
		return;
	page_put(page, "<dl class=\"pairs\"><dt>");
	page_put(page, signed_by_trusted(page) ? "Signed by key" : "Claims to be signed by");
	page_put(page, "</dt><dd><code>");
	say(page, member(page, "keyid"));
	page_put(page, "</code></dd><dt>Key held by</dt><dd>");
	say(page, member(page, "keyWhere"));
	page_put(page, "</dd></dl>\n");
}

static const char *lead(const struct page *page)
{
	if (is(page, "result", "invalid"))
		return "This report does not hold: believe nothing on this page.";
	if (is(page, "result", "incomplete"))
		return "What is there holds, but the end is missing.";
	if (!is(page, "trust", "self"))
		return "The report agrees with itself, and a key that is trusted here stands for "
		       "it.";
	if (member(page, "keyid") != NULL)
		return "The report agrees with itself. It names a key, but none that is trusted "
		       "here: whoever can write the files could have made others that do.";
	return "The report agrees with itself. It is not signed: whoever can write the file could "
	       "have made another that does.";
}

static void put_archived(const struct page *page, const char *name, const char *group,
			 const char *field)
{
	page_put(page, "<dt>");
	page_put(page, name);
	page_put(page, "</dt><dd>");
	say(page,
	    json_object_object_get(json_object_object_get(page->view->archived, group), field));
	page_put(page, "</dd>\n");
}

/* What the archive keeps of it; whether the archive itself holds is for archive verify to say. */
static void put_archive(const struct page *page)
{
	page_open_section(page, "archive", "Archive");
	if (!page->view->archive_found) {
		const char *reason = archived_reason(page->view->archived);

		page_put(page, "<p class=\"note\">It holds no report of these bytes. ");
		page_say(page, reason != NULL ? reason : "");
		page_put(page, "</p>\n");
		page_close_section(page);
		return;
	}
	page_put(page, "<dl class=\"pairs\">\n");
	put_archived(page, "Bundle", "archive", "bundleId");
	put_archived(page, "Archived", "archive", "storedAt");
	put_archived(page, "Kept", "archive", "retention");
	put_archived(page, "Verified then", "verification", "verifiedAt");
	put_archived(page, "Result", "verification", "result");
	put_archived(page, "Trust", "verification", "trust");
	page_put(page, "</dl>\n");
	page_close_section(page);
}

void page_verification(const struct page *page)
{
	struct json_object *limits = member(page, "doesNotProve");

	page_open_section(page, "verification", "Verification");
	page_put(page, "<p class=\"lead\">");
	page_put(page, lead(page));
	page_put(page, "</p>\n");
	put_errors(page);
	put_checks(page);
	put_signer(page);
	page_put(page, "<h3>It does not prove</h3>\n<ul class=\"plain\">\n");
	for (size_t i = 0; i < json_object_array_length(limits); i++) {
		page_put(page, "<li>");
		say(page, json_object_array_get_idx(limits, i));
		page_put(page, "</li>\n");
	}
	page_put(page, "</ul>\n");
	page_close_section(page);
	if (page->view->archive_asked)
		put_archive(page);
}

static void put_hash(const struct page *page, const char *name, struct span value)
{
	page_put(page, "<dt>");
	page_put(page, name);
	page_put(page, "</dt><dd><code>");
	page_value(page, value);
	page_put(page, "</code></dd>\n");
}

void page_proof(const struct page *page)
{
	static const struct {
		enum report_member member;
		const char *field, *name;
	} rows[] = {
		{REPORT_ARTIFACTS, "policyHash", "Policy"},
		{REPORT_ARTIFACTS, "commandHash", "Command"},
		{REPORT_ARTIFACTS, "executableHash", "Executable"},
		{REPORT_ARTIFACTS, "interpreterHash", "Interpreter"},
		{REPORT_ARTIFACTS, "rootfsHash", "Root"},
		{REPORT_ARTIFACTS, "kernelHash", "Kernel"},
		{REPORT_INTEGRITY, "digest", "Digest of the report"},
		{REPORT_INTEGRITY, "merkleRoot", "Merkle root of the events"},
		{REPORT_INTEGRITY, "chainHead", "End of the chain"},
		{REPORT_INTEGRITY, "eventCount", "Events"},
	};

	page_open_section(page, "proofs", "Proofs");
	page_put(page, "<dl class=\"pairs\">\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		put_hash(page, rows[i].name, view_get(page->view, rows[i].member, rows[i].field));
	page_put(page,
		 "</dl>\n<h3>By hand</h3>\n<p>The bytes are canonical, and the digest is that of "
		 "all the rest:</p>\n<pre tabindex=\"0\">jq -cSj . run_report.json | cmp - "
		 "run_report.json\njq -cSj '.integrity.digest=\"\"' run_report.json | sha256sum"
		 "</pre>\n");
	page_close_section(page);
}
