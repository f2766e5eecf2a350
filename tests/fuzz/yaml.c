/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole of sr-validate on any bytes: reader, schema, host look-ups, normalised policy. A first
 * line "#set FIELD=JSON" goes through --set, a first line "#allow" makes the rest an allowlist too.
 * The same bytes are read as a host's ceiling.
 */
#include "ipc/canon.h"
#include "ipc/object.h"
#include "ipc/record.h"
#include "stages/validate/host_policy.h"
#include "stages/validate/validate.h"

#include <json-c/json.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void write_policy(const struct validate_request *request, struct buf *out, bool *valid)
{
	struct json_object *result OBJECT_CLEANUP = validate_request(request, valid);
	struct json_object *errors = json_object_object_get(result, "errors");
	struct buf whole BUF_CLEANUP;
	struct fault fault;

	/* Whatever came in, what goes out is a record, and refused means a reason. */
	buf_init(&whole, RECORD_BUNDLE_MAX);
	require(canon_write(result, &whole, FAULT_POLICY_FORMAT, &fault) == FAULT_NONE);
	require(!whole.overflowed && canon_check(whole.data, whole.len, NULL));
	require(*valid == (json_object_array_length(errors) == 0));
	require(canon_write(json_object_object_get(result, "normalizedPolicy"), out,
			    FAULT_POLICY_FORMAT, &fault) == FAULT_NONE);
}

/* What was accepted says the same when it is read again. */
static void check_again(const struct validate_text *allowlist, const struct buf *policy)
{
	struct validate_request request = {
		.policy = {.data = policy->data, .len = policy->len},
		.allowlist = allowlist,
	};
	struct buf again BUF_CLEANUP;
	bool valid;

	buf_init(&again, RECORD_BUNDLE_MAX);
	write_policy(&request, &again, &valid);
	require(valid && again.len == policy->len &&
		memcmp(again.data, policy->data, policy->len) == 0);
}

/* A record whatever came in; one with errors has no ceiling, one without has all of it. */
static void check_host(const char *data, size_t size)
{
	const struct validate_text text = {.data = data, .len = size};
	bool valid;
	struct json_object *record OBJECT_CLEANUP = host_policy_read(&text, &valid);
	struct json_object *errors = json_object_object_get(record, "errors");
	struct buf whole BUF_CLEANUP;
	struct fault fault;

	buf_init(&whole, RECORD_BUNDLE_MAX);
	require(canon_write(record, &whole, FAULT_POLICY_FORMAT, &fault) == FAULT_NONE);
	require(!whole.overflowed && canon_check(whole.data, whole.len, NULL));
	require(valid == (json_object_array_length(errors) == 0));
	require(valid == (json_object_object_get(record, "hostPolicy") != NULL));
}

static size_t first_line(const char *text, size_t size)
{
	const char *end = memchr(text, '\n', size);

	return end != NULL ? (size_t)(end - text) : size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const size_t line = first_line(text, size);
	struct validate_text allowlist = {.data = text, .len = size};
	struct validate_request request = {.policy = {.data = text, .len = size}};
	struct buf policy BUF_CLEANUP;
	const char *settings[1];
	char *setting = NULL;
	bool valid;

	if (line > 5 && memcmp(text, "#set ", 5) == 0) {
		settings[0] = setting = strndup(text + 5, line - 5);
		request.settings = settings;
		request.setting_count = 1;
	}
	if (line == 6 && memcmp(text, "#allow", 6) == 0)
		request.allowlist = &allowlist;
	check_host(text, size);
	buf_init(&policy, RECORD_BUNDLE_MAX);
	write_policy(&request, &policy, &valid);
	if (valid)
		check_again(request.allowlist, &policy);
	free(setting);
	return 0;
}
