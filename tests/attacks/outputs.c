/* SPDX-License-Identifier: Apache-2.0 */
/* FS7, FS9: what a run leaves for its collector, and for whoever takes it over. */
#include "tests/attacks/run.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LITTER ATTACK_INSIDE "/litter"

static char *artifact(const struct attack *attack, const char *name)
{
	const char *slash = strrchr(attack->report_path, '/');
	char *path = NULL;

	cr_assert_gt(asprintf(&path, "%.*s/%s", (int)(slash - attack->report_path),
			      attack->report_path, name),
		     0);
	return path;
}

static void leave(struct attack *attack, const char *const argv[], const char *outputs)
{
	attack_open(attack, argv);
	attack_set(attack, "outputs", outputs);
	attack_run(attack);
}

/* The manifest's line for a path, as text; "" when it has none. */
static const char *line_of(const struct attack *attack, const char *path)
{
	static char found[8192];
	char *file = artifact(attack, "outputs.ndjson");
	char *text = child_read_file(file, NULL);
	char *save = NULL, wanted[512];

	cr_assert_not_null(text, "%s", file);
	snprintf(wanted, sizeof wanted, "\"path\":\"%s\"", path);
	found[0] = '\0';
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (strstr(line, wanted))
			snprintf(found, sizeof found, "%s", line);
	free(text);
	free(file);
	return found;
}

/* Only files and directories of the caller's, closed to others, whatever the originals were. */
static size_t expect_plain(int dir_fd)
{
	DIR *dir = fdopendir(dir_fd);
	const struct dirent *entry;
	size_t count = 0;

	cr_assert_not_null(dir);
	while ((entry = readdir(dir))) {
		struct stat info;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		cr_assert_eq(fstatat(dir_fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW), 0);
		cr_expect(S_ISREG(info.st_mode) || S_ISDIR(info.st_mode), "%s", entry->d_name);
		cr_expect_eq(info.st_mode & 07077, 0, "%s: %o", entry->d_name, info.st_mode);
		cr_expect_eq(info.st_uid, geteuid(), "%s", entry->d_name);
		count++;
		if (S_ISDIR(info.st_mode))
			count += expect_plain(
				openat(dir_fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
	}
	closedir(dir);
	return count;
}

static size_t copies(const struct attack *attack)
{
	char *path = artifact(attack, "outputs");
	size_t count = expect_plain(open(path, O_RDONLY | O_DIRECTORY));

	free(path);
	return count;
}

Test(attacks, FS7_kinds_and_names)
{
	static const struct {
		const char *path, *holds;
	} lines[] = {
		{"out/plain", "\"mode\":\"0644\""},
		{"out/plain", "\"sha256\":\"sha256:dacf"},
		{"out/script", "\"mode\":\"0755\""},
		{"out/unreadable", "\"mode\":\"0000\""},
		{"out/closed", "\"mode\":\"0000\""},
		{"out/closed/within", "\"size\":3"},
		{"out/new\\nline", "\"type\":\"file\""},
		{"out/\\u001b[31mred\\u0007", "\"type\":\"file\""},
		{"out/\\\\xff\\\\xfe\\\\x80", "\"type\":\"file\""},
		{"out/\\\\\\\\x41", "\"type\":\"file\""},
		{"out/hard", "\"sha256\":\"sha256:dacf"},
		{"out/shadow", "\"target\":\"/etc/shadow\",\"type\":\"symlink\""},
		{"out/dangling", "\"target\":\"nowhere\\n\""},
		{"out/up", "\"type\":\"symlink\""},
		{"out/fifo", "\"refused\":\"fifo\",\"sha256\":null"},
		{"out/socket", "\"refused\":\"socket\",\"sha256\":null"},
	};
	const char *argv[] = {LITTER, "kinds", NULL};
	struct attack attack;

	leave(&attack, argv, "[{\"path\":\"out\"}]");
	cr_expect_str_eq(attack_said(attack.result.out, "device"), "EPERM");
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		cr_expect(strstr(line_of(&attack, lines[i].path), lines[i].holds), "%s: %s",
			  lines[i].holds, line_of(&attack, lines[i].path));
	cr_expect_str_eq(attack_text(&attack, "outputs.outputs.0.status"), "refused");
	cr_expect_eq(attack_number(&attack, "outputs.outputs.0.refused"), 2);
	cr_expect_eq(attack_number(&attack, "outputs.files"), 10);
	/* The files, and out, closed. */
	cr_expect_eq(copies(&attack), 12);
	/* What was not taken is no finished run, and says where to look. */
	cr_expect_eq(attack.result.status, 125);
	cr_expect_str_eq(attack_errors(&attack), "SR-RUN-001");
	cr_expect_str_eq(attack_text(&attack, "errors.0.path"), "outputs[0].path");
	attack_close(&attack);
}

Test(attacks, FS7_sparse_file)
{
	const char *argv[] = {LITTER, "sparse", NULL};
	struct attack attack;

	leave(&attack, argv, "[{\"path\":\"out\"}]");
	cr_expect_str_eq(attack_said(attack.result.out, "sparse"), "ok");
	cr_expect_str_eq(attack_text(&attack, "outputs.outputs.0.status"), "limit");
	cr_expect(strstr(line_of(&attack, "out/sparse"), "\"refused\":\"maxBytes\""));
	cr_expect_str_eq(attack_text(&attack, "errors.0.path"), "outputs[0].maxBytes");
	cr_expect_eq(attack_number(&attack, "outputs.bytes"), 5);
	cr_expect_eq(copies(&attack), 2);
	attack_close(&attack);
}

/* Each limit below, at and above what there is. */
static void expect_limit(const char *const argv[], const char *limit, long long there, int over)
{
	char outputs[128], path[64];
	struct attack attack;

	snprintf(outputs, sizeof outputs, "[{\"%s\":%lld,\"path\":\"out\"}]", limit, there - over);
	snprintf(path, sizeof path, "outputs[0].%s", limit);
	leave(&attack, argv, outputs);
	cr_expect_eq(attack.result.status, over > 0 ? 125 : 0, "%s: %s", outputs,
		     attack.result.err);
	cr_expect_str_eq(attack_text(&attack, "outputs.outputs.0.status"),
			 over > 0 ? "limit" : "collected", "%s", outputs);
	cr_expect_str_eq(attack_text(&attack, "errors.0.path"), over > 0 ? path : "", "%s",
			 outputs);
	attack_close(&attack);
}

Test(attacks, FS7_limits_are_exact)
{
	const char *many[] = {LITTER, "many", "100", NULL};
	const char *file[] = {LITTER, "file", "1000000", NULL};

	for (int over = -1; over <= 1; over++) {
		expect_limit(many, "maxFiles", 100, over);
		expect_limit(file, "maxBytes", 1000000, over);
	}
}

/* More than one batch of names, in order, and no further than the limit. */
Test(attacks, FS7_many_files)
{
	const char *argv[] = {LITTER, "many", "20000", NULL};
	struct attack attack;

	attack_open(&attack, argv);
	attack_set(&attack, "resources.disk.max", "\"256Mi\"");
	attack_set(&attack, "outputs", "[{\"maxFiles\":19999,\"path\":\"out\"}]");
	attack_run(&attack);
	cr_expect_str_eq(attack_said(attack.result.out, "made"), "20000");
	cr_expect_str_eq(attack_text(&attack, "outputs.outputs.0.status"), "limit");
	cr_expect_eq(attack_number(&attack, "outputs.files"), 19999);
	/* "9999" is the last of them all, in byte order. */
	cr_expect_str_eq(line_of(&attack, "out/9999"), "");
	cr_expect_str_neq(line_of(&attack, "out/9998"), "");
	attack_close(&attack);
}

Test(attacks, FS7_depth)
{
	const char *argv[] = {LITTER, "deep", "200", NULL};
	struct attack attack;

	leave(&attack, argv, "[{\"path\":\"out\"}]");
	cr_expect_str_eq(attack_said(attack.result.out, "made"), "200");
	cr_expect_str_eq(attack_text(&attack, "outputs.outputs.0.status"), "refused");
	cr_expect_str_eq(attack_text(&attack, "outputs.reasons.0.reason"), "depth");
	cr_expect_eq(copies(&attack), 64);
	attack_close(&attack);
}

/* An output that is a link is none, wherever it leads; and one that is not there is missed. */
Test(attacks, FS7_no_output)
{
	const char *link[] = {"/bin/sh", "-c", "ln -s /etc out", NULL};
	const char *way[] = {"/bin/sh", "-c", "ln -s /etc a", NULL};
	const char *none[] = {"/bin/true", NULL};
	struct attack attack;

	leave(&attack, link, "[{\"path\":\"out\"}]");
	cr_expect_str_eq(attack_text(&attack, "outputs.reasons.0.reason"), "symlink");
	cr_expect_eq(copies(&attack), 0);
	attack_close(&attack);
	leave(&attack, way, "[{\"path\":\"a/passwd\"}]");
	cr_expect_str_eq(attack_text(&attack, "outputs.outputs.0.status"), "failed");
	cr_expect_str_eq(attack_text(&attack, "outputs.reasons.0.reason"), "ELOOP");
	cr_expect_eq(copies(&attack), 0);
	attack_close(&attack);
	leave(&attack, none, "[{\"path\":\"out\"}]");
	cr_expect_str_eq(attack_text(&attack, "outputs.outputs.0.status"), "missing");
	cr_expect_eq(attack.result.status, 125);
	attack_close(&attack);
}

/* Outside the sandbox nothing waits for it: what a killed run has written is still brought out. */
Test(attacks, FS7_of_a_killed_run)
{
	const char *argv[] = {"/bin/sh", "-c", "echo so far > out; exec sleep 1000", NULL};
	struct attack attack;

	attack_open(&attack, argv);
	attack_set(&attack, "runtime.timeoutSec", "1");
	attack_set(&attack, "outputs", "[{\"path\":\"out\"}]");
	attack_run(&attack);
	cr_expect_eq(attack.result.status, 124);
	cr_expect_str_eq(attack_text(&attack, "outputs.outputs.0.status"), "collected");
	cr_expect_eq(copies(&attack), 1);
	attack_close(&attack);
}

Test(attacks, FS9_hooks_are_reported)
{
	static const char *const said[] = {
		"sensitive: out/.git/hooks/pre-commit: git runs or obeys it",
		"sensitive: out/.git/config: git runs or obeys it",
		"sensitive: out/.envrc: a shell runs it",
		"sensitive: out/.BASHRC: a shell runs it",
		"sensitive: out/.github/workflows/ci.yml: a CI service runs what it says",
	};
	const char *argv[] = {LITTER, "hooks", NULL};
	struct attack attack;
	char option[512];

	attack_open(&attack, argv);
	attack_set(&attack, "outputs", "[{\"path\":\"out\"}]");
	snprintf(option, sizeof option, "--output=%s/brought", attack.dir);
	attack.option = option;
	attack_run(&attack);
	cr_expect_eq(attack.result.status, 0, "%s", attack.result.err);
	for (size_t i = 0; i < sizeof said / sizeof *said; i++)
		cr_expect(strstr(attack.result.err, said[i]), "%s: %s", said[i], attack.result.err);
	cr_expect_null(strstr(attack.result.err, "README"));
	attack_close(&attack);
}
