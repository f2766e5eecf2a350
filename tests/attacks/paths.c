/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FS2: one path, many spellings. What sr-validate refuses sr-launch refuses too, when somebody puts
 * it into a bundle by hand; and of what sr-validate takes, sr-launch takes the one spelling that
 * validation made of it and no other.
 */
#include "tests/attacks/rapid.h"
#include "tests/stage/launch_bundle.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* In JSON; # is the directory, ~ its parent, @ a link to the parent, % 4096 letters. */
struct spelling {
	const char *text;
	bool accepted; /* by sr-validate, as # */
};

static const struct spelling sources[] = {
	{"#", true},
	{"#/", true},
	{"#//", true},
	{"#/.", true},
	{"#/./", true},
	{"/#", true},
	{"~/./source", true},
	{"~//source", true},
	{"#/../source", true},
	{"@/source", true},
	{"", false},
	{"source", false},
	{"./source", false},
	{"../source", false},
	{"#/../absent", false},
	{"#\\u0000", false},
	{"#\\u0000/..", false},
	{"#\xff", false},
	{"#\\ud800", false},
	{"#/%", false},
	{"#/../%", false},
	{"/", false},
	{"#\\n", false},
	{"#\\u007f", false},
	{"#\\u0001", false},
};

static const struct spelling targets[] = {
	{"#", true},	       {"#/", true},	      {"#//", true},	   {"#/.", true},
	{"/#", true},	       {"~/./source", true},  {"~//source", true}, {"#/../source", false},
	{"", false},	       {"opt/source", false}, {"./opt", false},	   {"#\\u0000", false},
	{"#\xff", false},      {"#/%", false},	      {"/", false},	   {"/opt/../etc", false},
	{"/opt/../..", false}, {"/etc/x", false},     {"/proc/1", false},  {"/usr/../dev/x", false},
	{"#\\n", false},       {"/..", false},
};

struct place {
	char path[256], parent[256], link[256];
};

/* The spelling written out, the caller's to free. */
static char *spell(const char *text, const struct place *place)
{
	static char letters[4097];
	size_t len;
	char *out;
	FILE *stream = open_memstream(&out, &len);

	memset(letters, 'a', 4096);
	for (; *text; text++) {
		const char *part = *text == '#'	  ? place->path
				   : *text == '~' ? place->parent
				   : *text == '@' ? place->link
				   : *text == '%' ? letters
						  : NULL;

		if (part)
			fputs(part, stream);
		else
			fputc(*text, stream);
	}
	fclose(stream);
	return out;
}

/* policy with "path" spelled otherwise; the caller's to free. */
static char *respell(const char *policy, const char *path, const char *spelled, size_t *len)
{
	char quoted[300], *out;
	const char *at;
	FILE *stream;

	snprintf(quoted, sizeof quoted, "\"%s\"", path);
	at = strstr(policy, quoted);
	cr_assert_not_null(at, "no %s in %s", quoted, policy);
	stream = open_memstream(&out, len);
	fprintf(stream, "%.*s\"%s\"%s", (int)(at - policy), policy, spelled, at + strlen(quoted));
	fclose(stream);
	return out;
}

static void expect_validated(const struct attack *attack, const char *policy, const char *path,
			     const char *spelled, bool accepted)
{
	char allow[4200], wanted[300];
	const char *argv[] = {"sr-validate", "--mount-allowlist", allow, NULL};
	struct child_result result;
	size_t len;
	char *text = respell(policy, path, spelled, &len);

	snprintf(allow, sizeof allow, "%s/allow.json", attack->dir);
	snprintf(wanted, sizeof wanted, "\"%s\"", path);
	child_run(argv, text, len, NULL, &result);
	cr_expect_eq(result.status, accepted ? 0 : 1, "%.200s: %d %.400s", spelled, result.status,
		     result.out);
	if (accepted)
		cr_expect_not_null(strstr(result.out, wanted), "%s did not become %s", spelled,
				   path);
	child_release(&result);
	free(text);
}

/* Every string that is path, anywhere in value, becomes the other; how many there were. */
static size_t exchange(struct json_object *value, const char *path, const char *other)
{
	size_t count = 0;

	if (json_object_is_type(value, json_type_string) &&
	    !strcmp(json_object_get_string(value), path)) {
		json_object_set_string(value, other);
		return 1;
	}
	if (json_object_is_type(value, json_type_array))
		for (size_t i = 0; i < json_object_array_length(value); i++)
			count += exchange(json_object_array_get_idx(value, i), path, other);
	if (json_object_is_type(value, json_type_object)) {
		json_object_object_foreach(value, name, member)
		{
			(void)name;
			count += exchange(member, path, other);
		}
	}
	return count;
}

/* A bundle with that spelling in the place of path, its hashes right, straight to sr-launch. */
static void expect_launched(const char *bundle, const char *path, const char *spelled, bool runs)
{
	static const char *const argv[] = {"sr-launch", NULL};
	struct json_object *value = json_tokener_parse(bundle);
	struct child_result result;
	size_t len;

	cr_assert_gt(exchange(value, path, spelled), 0);
	launch_rehash(value);
	char *line = launch_line(value, &len);
	child_run(argv, line, len, NULL, &result);
	cr_expect_eq(strstr(result.out, "\"type\":\"vm.started\"") != NULL, runs, "%.200s: %.600s",
		     spelled, result.out);
	cr_expect(runs || result.status == 1, "%.200s: %d", spelled, result.status);
	if (!runs)
		cr_expect(strstr(result.out, "mounts[") || strstr(result.out, "mountPlan[") ||
				  strstr(result.out, "launch.mount["),
			  "%.200s is refused for another reason: %.600s", spelled, result.out);
	child_release(&result);
	free(line);
	json_object_put(value);
}

/* As JSON escapes it; NULL when no string of ours can hold it. */
static char *plain_text(const char *spelled)
{
	struct json_object *value;
	char *quoted, *text = NULL;

	if (strchr(spelled, '\xff') || strstr(spelled, "\\u0000") || strstr(spelled, "\\ud800") ||
	    strstr(spelled, "\\u007f"))
		return NULL;
	cr_assert_gt(asprintf(&quoted, "\"%s\"", spelled), 0);
	value = json_tokener_parse(quoted);
	cr_assert_not_null(value, "%s", quoted);
	text = strdup(json_object_get_string(value));
	json_object_put(value);
	free(quoted);
	return text;
}

static void try_spellings(const struct spelling *spellings, size_t count, const struct place *place,
			  struct attack *attack)
{
	char file[4200];
	struct rapid rapid;

	rapid_open(&rapid, attack);
	snprintf(file, sizeof file, "%s/policy.json", attack->dir);
	char *policy = child_read_file(file, NULL);
	for (size_t i = 0; i < count; i++) {
		char *spelled = spell(spellings[i].text, place);
		char *text = plain_text(spelled);

		expect_validated(attack, policy, place->path, spelled, spellings[i].accepted);
		if (text)
			expect_launched(rapid.bundle, place->path, text,
					!strcmp(text, place->path));
		free(text);
		free(spelled);
	}
	free(policy);
	rapid_close(&rapid);
}

static void mount_at(struct attack *attack, const char *source, const char *target)
{
	char mounts[1024];

	snprintf(mounts, sizeof mounts,
		 "[{\"read_only\":true,\"source\":\"%s\",\"target\":\"%s\"}]", source, target);
	attack_set(attack, "mounts", mounts);
}

Test(attacks, FS2_spellings_of_a_source, .timeout = 120)
{
	const char *argv[] = {"/bin/true", NULL};
	char *dir = child_make_dir("paths");
	struct place place;
	struct attack attack;

	cr_assert_eq(chmod(dir, 0755), 0);
	snprintf(place.parent, sizeof place.parent, "%s", dir);
	snprintf(place.path, sizeof place.path, "%s/source", dir);
	snprintf(place.link, sizeof place.link, "%s/link", dir);
	cr_assert_eq(mkdir(place.path, 0755), 0);
	cr_assert_eq(symlink(dir, place.link), 0);
	attack_open(&attack, argv);
	mount_at(&attack, place.path, "/opt/in");
	try_spellings(sources, sizeof sources / sizeof *sources, &place, &attack);
	attack_close(&attack);
	child_remove_dir(dir);
	free(dir);
}

Test(attacks, FS2_spellings_of_a_target, .timeout = 120)
{
	static const struct place place = {.path = "/opt/source", .parent = "/opt", .link = "/opt"};
	const char *argv[] = {"/bin/true", NULL};
	char *dir = child_make_dir("paths");
	struct attack attack;

	cr_assert_eq(chmod(dir, 0755), 0);
	attack_open(&attack, argv);
	mount_at(&attack, dir, place.path);
	try_spellings(targets, sizeof targets / sizeof *targets, &place, &attack);
	attack_close(&attack);
	child_remove_dir(dir);
	free(dir);
}
