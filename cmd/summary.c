/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/summary.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct colours {
	const char *good;
	const char *bad;
	const char *end;
};

/* https://no-color.org: set and not empty means no. */
static struct colours choose_colours(void)
{
	const char *refused = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	if (!isatty(STDERR_FILENO) || (refused != NULL && *refused != '\0') || terminal == NULL ||
	    strcmp(terminal, "dumb") == 0)
		return (struct colours){"", "", ""};
	return (struct colours){"\033[32m", "\033[31m", "\033[0m"};
}

/* A fault's message is escaped and cut; so is what goes through here. */
static void print_escaped(const char *text)
{
	struct fault escaped;

	fault_set(&escaped, FAULT_RUN_INIT, "", "%s", text);
	fputs(escaped.message, stderr);
}

static const char *member(struct json_object *error, const char *name)
{
	struct json_object *value = NULL;

	if (!json_object_is_type(error, json_type_object) ||
	    !json_object_object_get_ex(error, name, &value) ||
	    !json_object_is_type(value, json_type_string))
		return "";
	return json_object_get_string(value);
}

/* Of the outputs, or of the report's signature: in no sentence about the command. */
static bool is_beside_command(const char *path)
{
	static const char *const places[] = {"outputs[", "launch.collect", "launch.deposit",
					     "collect.", "deposit.",	   "seal."};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strncmp(path, places[i], strlen(places[i])) == 0)
			return true;
	return false;
}

static void print_errors(struct json_object *errors, bool all)
{
	size_t count = json_object_array_length(errors);

	for (size_t i = 0; i < count; i++) {
		struct json_object *error = json_object_array_get_idx(errors, i);
		const char *path = member(error, "path");

		if (!all && !is_beside_command(path))
			continue;
		fputs("safe-run: ", stderr);
		print_escaped(member(error, "code"));
		fputc(' ', stderr);
		print_escaped(path);
		fputs(*path != '\0' ? ": " : "", stderr);
		print_escaped(member(error, "message"));
		fputc('\n', stderr);
	}
}

static void print_duration(uint64_t ms)
{
	if (ms < 1000)
		fprintf(stderr, "%" PRIu64 " ms", ms);
	else
		fprintf(stderr, "%" PRIu64 ".%02" PRIu64 " s", ms / 1000, ms % 1000 / 10);
}

static void print_size(int64_t bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	uint64_t tenths = (uint64_t)bytes * 10 / 1024;
	size_t unit = 0;

	while (tenths >= 10240 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		tenths /= 1024;
		unit++;
	}
	fprintf(stderr, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10, units[unit]);
}

static void print_outcome(const struct result *result, uint64_t elapsed_ms, bool reasons_follow)
{
	struct colours colours = choose_colours();
	bool good = strcmp(result->state, "finished") == 0;

	fprintf(stderr, "safe-run: %s%s%s", good ? colours.good : colours.bad, result->state,
		colours.end);
	if (!reasons_follow) {
		fputs(": ", stderr);
		print_escaped(result->summary);
	}
	fputs(" (", stderr);
	print_duration(result->wall_ms >= 0 ? (uint64_t)result->wall_ms : elapsed_ms);
	if (result->memory_peak >= 0) {
		fputs(", peak memory ", stderr);
		print_size(result->memory_peak);
	}
	fputs(")\n", stderr);
}

/* What the policy asked for and this host did not enforce; the report has the reasons. */
static void print_degraded(struct json_object *clauses)
{
	size_t count = clauses == NULL ? 0 : json_object_array_length(clauses);

	for (size_t i = 0; i < count; i++) {
		fputs(i == 0 ? "safe-run: degraded: not enforced: " : ", ", stderr);
		print_escaped(json_object_get_string(json_object_array_get_idx(clauses, i)));
	}
	if (count > 0)
		fputc('\n', stderr);
}

void summary_print(const struct result *result, const struct rundir *rundir, uint64_t elapsed_ms,
		   bool quiet)
{
	/* What the command did is in the sentence; what kept it from running needs its reasons. */
	bool ours =
		(strcmp(result->cause, "setup") == 0 || strcmp(result->cause, "stage-lost") == 0) &&
		json_object_array_length(result->errors) > 0;
	char path[PATH_MAX];

	if (!quiet)
		print_outcome(result, elapsed_ms, ours);
	if (!quiet)
		print_degraded(result->degraded);
	print_errors(result->errors, ours || result->exports != NULL);
	if (!quiet && result->sealed) {
		rundir_artifact(rundir, RUNDIR_REPORT, path);
		fputs("safe-run: report ", stderr);
		print_escaped(path);
		fputc('\n', stderr);
	}
	if (!quiet && result->keyid != NULL) {
		fputs("safe-run: signed by ", stderr);
		print_escaped(result->keyid);
		fputc('\n', stderr);
	}
}
