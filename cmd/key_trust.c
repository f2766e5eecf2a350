/* SPDX-License-Identifier: Apache-2.0 */
/* safe-run key trust, revoke, list: the entries of a trust directory. */
#include "cmd/key.h"
#include "cmd/option.h"
#include "cmd/trust.h"
#include "cmd/verb.h"
#include "ipc/event.h"
#include "ipc/field.h"
#include "ipc/object.h"
#include "ipc/record.h"
#include "stages/seal/key_id.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum trust_option {
	TRUST_DIR,
	TRUST_PURPOSE,
	TRUST_NOT_BEFORE,
	TRUST_NOT_AFTER,
	TRUST_OPTION_COUNT
};

static const struct option trust_table[TRUST_OPTION_COUNT] = {
	[TRUST_DIR] = {"trust-dir", "DIR", "instead of /etc/safe-run/trust.d or your own"},
	[TRUST_PURPOSE] = {"purpose", "PURPOSE", "seal or archive, when PUB does not say"},
	[TRUST_NOT_BEFORE] = {"not-before", "TIME", "for reports finished from then on"},
	[TRUST_NOT_AFTER] = {"not-after", "TIME", "for reports finished until then"},
};

/* Options into values, one operand at most; -1 to go on, else the exit status. */
static int read_line(struct option_cursor *cursor, const char *values[], const char **operand)
{
	const char *value;
	size_t index;

	for (;;) {
		switch (option_next(cursor, &index, &value)) {
		case OPTION_FOUND:
			values[index] = value == NULL ? "" : value;
			break;
		case OPTION_OPERAND:
			if (operand == NULL || *operand != NULL)
				return option_usage(cursor->verb, cursor->synopsis,
						    "takes no more words");
			*operand = value;
			break;
		case OPTION_COMMAND:
			return option_usage(cursor->verb, cursor->synopsis, "runs no command");
		case OPTION_HELP:
			return VERB_DONE;
		case OPTION_WRONG:
			return VERB_USAGE;
		case OPTION_END:
			if (operand != NULL && *operand == NULL)
				return option_usage(cursor->verb, cursor->synopsis,
						    "one word is missing");
			return -1;
		}
	}
}

/* What sr-key says of a public key's file. */
static enum fault_code examine(const char *path, struct json_object **answer, struct fault *fault)
{
	struct spawn spawn;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	enum fault_code code;

	if (fd < 0)
		return fault_set_errno(fault, FAULT_REPORT_SIGNATURE, errno, "key",
				       "cannot open '%s'", path);
	key_spawn_begin(&spawn);
	spawn_fd(&spawn, "--public-fd", fd);
	code = key_ask(&spawn, answer, fault);
	close(fd);
	return code;
}

static enum fault_code add_time(struct json_object *entry, const char *name, const char *text,
				struct fault *fault)
{
	char time[EVENT_TIMESTAMP_SIZE];

	if (text == NULL) {
		object_add_null(entry, name);
		return FAULT_NONE;
	}
	if (!trust_time(text, time))
		return fault_set(fault, FAULT_REPORT_SIGNATURE, name,
				 "'%.60s' is no time: write 2027-01-01, or "
				 "2027-01-01T00:00:00.000000000Z",
				 text);
	object_add_string(entry, name, time);
	return FAULT_NONE;
}

/* A purpose that the file names stands; one it does not name is the caller's to give. */
static enum fault_code choose_purpose(struct json_object *answer, const char *given,
				      const char **purpose, struct fault *fault)
{
	const char *named = key_text(answer, "purpose");

	*purpose = *named != '\0' ? named : given;
	if (*purpose == NULL)
		return fault_set(fault, FAULT_REPORT_SIGNATURE, "purpose",
				 "the key does not say what it is for: give --purpose seal or "
				 "archive");
	if (given != NULL && strcmp(given, *purpose) != 0)
		return fault_set(fault, FAULT_REPORT_SIGNATURE, "purpose",
				 "the key was made for the purpose '%s'", *purpose);
	if (strcmp(*purpose, "seal") != 0 && strcmp(*purpose, "archive") != 0)
		return fault_set(fault, FAULT_REPORT_SIGNATURE, "purpose",
				 "a purpose is seal or archive");
	return FAULT_NONE;
}

/* An entry that revokes the key is not undone by trusting it once more. */
static enum fault_code check_not_revoked(int directory_fd, const char *keyid, struct fault *fault)
{
	struct json_object *old OBJECT_CLEANUP = NULL;
	struct fault none;

	if (trust_read(directory_fd, keyid, &old, &none) != FAULT_NONE ||
	    *key_text(old, "revokedAt") == '\0')
		return FAULT_NONE;
	return fault_set(fault, FAULT_REPORT_SIGNATURE, "key",
			 "the key was revoked at %s; make a new one", key_text(old, "revokedAt"));
}

static enum fault_code trust(const char *path, const char *values[], struct fault *fault)
{
	struct json_object *answer OBJECT_CLEANUP = NULL;
	struct json_object *entry OBJECT_CLEANUP = object_new();
	const char *purpose = NULL, *keyid;
	int fd = -1;
	enum fault_code code = examine(path, &answer, fault);

	keyid = key_text(answer, "keyid");
	if (code == FAULT_NONE)
		code = choose_purpose(answer, values[TRUST_PURPOSE], &purpose, fault);
	if (code != FAULT_NONE)
		return code;
	object_add_string(entry, "algorithm", key_text(answer, "algorithm"));
	object_add_string(entry, "keyid", keyid);
	object_add_string(entry, "publicKey", key_text(answer, "spki"));
	object_add_string(entry, "purpose", purpose);
	object_add_null(entry, "revokedAt");
	object_add_string(entry, "schemaVersion", "safe-run.trust/v1");
	if (add_time(entry, "notBefore", values[TRUST_NOT_BEFORE], fault) != FAULT_NONE ||
	    add_time(entry, "notAfter", values[TRUST_NOT_AFTER], fault) != FAULT_NONE ||
	    trust_open(values[TRUST_DIR], &fd, fault) != FAULT_NONE)
		return fault->code;
	code = check_not_revoked(fd, keyid, fault);
	if (code == FAULT_NONE)
		code = trust_write(fd, keyid, entry, fault);
	close(fd);
	if (code == FAULT_NONE)
		printf("%s\n", keyid);
	return code;
}

int key_trust(char **argv)
{
	struct option_cursor cursor = {
		"key trust", KEY_TRUST_SYNOPSIS, trust_table, TRUST_OPTION_COUNT, argv, 1};
	const char *values[TRUST_OPTION_COUNT] = {NULL};
	const char *path = NULL;
	struct fault fault;
	int status = read_line(&cursor, values, &path);

	if (status >= 0)
		return status;
	if (trust(path, values, &fault) != FAULT_NONE)
		return key_complain(&fault);
	return fflush(stdout) == 0 ? VERB_DONE : VERB_FAILED;
}

static const struct option revoke_table[] = {
	{"trust-dir", "DIR", "instead of /etc/safe-run/trust.d or your own"},
	{"at", "TIME", "since when it is not believed (now)"},
};

int key_revoke(char **argv)
{
	struct option_cursor cursor = {"key revoke", KEY_REVOKE_SYNOPSIS, revoke_table, 2, argv, 1};
	struct json_object *entry OBJECT_CLEANUP = NULL;
	const char *values[2] = {NULL};
	const char *keyid = NULL;
	char now[EVENT_TIMESTAMP_SIZE];
	struct fault fault;
	int fd = -1, status = read_line(&cursor, values, &keyid);
	enum fault_code code;

	if (status >= 0)
		return status;
	if (!key_id_valid(keyid))
		return option_usage("key revoke", KEY_REVOKE_SYNOPSIS,
				    "a KEYID is 64 lower-case hex digits (safe-run key list)");
	event_timestamp_now(now);
	code = trust_open(values[0], &fd, &fault);
	if (code == FAULT_NONE)
		code = trust_read(fd, keyid, &entry, &fault);
	if (code == FAULT_NONE && *key_text(entry, "revokedAt") == '\0') {
		code = add_time(entry, "revokedAt", values[1] == NULL ? now : values[1], &fault);
		if (code == FAULT_NONE)
			code = trust_write(fd, keyid, entry, &fault);
	}
	if (fd >= 0)
		close(fd);
	return code == FAULT_NONE ? VERB_DONE : key_complain(&fault);
}

static const struct option list_table[] = {
	{"trust-dir", "DIR", "this one only"},
	{"json", NULL, "the entries as they are, one on a line"},
};

/* An entry somebody else wrote is text like any other: escaped. */
static void print_entry(struct json_object *entry)
{
	static const char *const columns[] = {"keyid",	   "algorithm", "purpose",
					      "notBefore", "notAfter",	"revokedAt"};
	struct fault escaped;

	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		const char *text = key_text(entry, columns[i]);

		fault_set(&escaped, FAULT_RUN_INIT, "", "%s", *text == '\0' ? "-" : text);
		printf("%s%s", i == 0 ? "" : "  ", escaped.message);
	}
	putchar('\n');
}

static enum fault_code list_directory(const char *path, bool json, struct fault *fault)
{
	struct record_sink sink = {.fd = STDOUT_FILENO, .record_fd = -1};
	DIR *directory = opendir(path);
	struct dirent *file;
	enum fault_code code = FAULT_NONE;

	if (directory == NULL)
		return fault_set_errno(fault, FAULT_REPORT_SIGNATURE, errno, "trust",
				       "cannot list '%s'", path);
	while (code == FAULT_NONE && (file = readdir(directory)) != NULL) {
		struct json_object *entry OBJECT_CLEANUP = NULL;
		char keyid[KEY_ID_SIZE];

		if (strlen(file->d_name) != KEY_ID_SIZE - 1 + strlen(".json"))
			continue;
		memcpy(keyid, file->d_name, KEY_ID_SIZE - 1);
		keyid[KEY_ID_SIZE - 1] = '\0';
		if (!key_id_valid(keyid))
			continue;
		code = trust_read(dirfd(directory), keyid, &entry, fault);
		if (code == FAULT_NONE && json)
			code = record_send(&sink, entry, RECORD_EVENT_MAX, fault);
		else if (code == FAULT_NONE)
			print_entry(entry);
	}
	closedir(directory);
	return code;
}

int key_list(char **argv)
{
	struct option_cursor cursor = {"key list", KEY_LIST_SYNOPSIS, list_table, 2, argv, 1};
	const char *values[2] = {NULL};
	struct trust_directories found;
	struct fault fault;
	int status = read_line(&cursor, values, NULL);
	enum fault_code code = FAULT_NONE;

	if (status >= 0)
		return status;
	trust_find(&found);
	if (values[0] != NULL)
		found.count = 0;
	if (values[0] != NULL)
		code = list_directory(values[0], values[1] != NULL, &fault);
	for (size_t i = 0; i < found.count && code == FAULT_NONE; i++)
		code = list_directory(found.paths[i], values[1] != NULL, &fault);
	if (code != FAULT_NONE)
		return key_complain(&fault);
	return fflush(stdout) == 0 ? VERB_DONE : VERB_FAILED;
}
