/* SPDX-License-Identifier: Apache-2.0 */
/* safe-run key generate: sr-key makes the key, in files that are made here. */
#include "cmd/descriptor.h"
#include "cmd/key.h"
#include "cmd/option.h"
#include "cmd/passphrase.h"
#include "cmd/verb.h"
#include "ipc/object.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERB	 "key generate"
#define SYNOPSIS KEY_GENERATE_SYNOPSIS

enum generate_option { GENERATE_OUT, GENERATE_TYPE, GENERATE_PURPOSE, GENERATE_PASSPHRASE, COUNT };

static const struct option table[COUNT] = {
	[GENERATE_OUT] = {"out", "FILE", "the private key; the public one becomes FILE.pub"},
	[GENERATE_TYPE] = {"type", "TYPE", "ed25519 (default) or p256"},
	[GENERATE_PURPOSE] = {"purpose", "PURPOSE", "seal (default), for reports, or archive"},
	[GENERATE_PASSPHRASE] = {"passphrase-fd", "N|prompt",
				 "encrypt FILE: a line from descriptor N, or asked for"},
};

struct pair {
	char public_path[PATH_MAX];
	int private_fd, public_fd, passphrase_fd;
};

static enum fault_code make_file(const char *path, mode_t mode, int *fd, struct fault *fault)
{
	*fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*fd >= 0 && fchmod(*fd, mode) == 0)
		return FAULT_NONE;
	return fault_set_errno(fault, FAULT_REPORT_SIGNATURE, errno, "key", "cannot make '%s'",
			       path);
}

static enum fault_code make_key(const char *values[COUNT], struct pair *pair,
				struct json_object **answer, struct fault *fault)
{
	const char *type = values[GENERATE_TYPE], *purpose = values[GENERATE_PURPOSE];
	struct spawn spawn;

	key_spawn_begin(&spawn);
	spawn_text(&spawn, "--type", type == NULL ? "ed25519" : type);
	spawn_text(&spawn, "--purpose", purpose == NULL ? "seal" : purpose);
	spawn_fd(&spawn, "--private-fd", pair->private_fd);
	spawn_fd(&spawn, "--public-out-fd", pair->public_fd);
	spawn_fd(&spawn, "--passphrase-fd", pair->passphrase_fd);
	return key_ask(&spawn, answer, fault);
}

static int generate(const char *values[COUNT])
{
	struct json_object *answer OBJECT_CLEANUP = NULL;
	struct pair pair = {.private_fd = -1, .public_fd = -1, .passphrase_fd = -1};
	const char *out = values[GENERATE_OUT];
	struct fault fault;
	enum fault_code code = FAULT_NONE;
	bool made;

	if ((size_t)snprintf(pair.public_path, sizeof(pair.public_path), "%s.pub", out) >=
	    sizeof(pair.public_path))
		return option_usage(VERB, SYNOPSIS, "the name is too long");
	if (values[GENERATE_PASSPHRASE] != NULL)
		code = passphrase_open(values[GENERATE_PASSPHRASE], true, &pair.passphrase_fd,
				       &fault);
	if (code == FAULT_NONE)
		code = make_file(out, 0600, &pair.private_fd, &fault);
	made = code == FAULT_NONE;
	if (code == FAULT_NONE)
		code = make_file(pair.public_path, 0644, &pair.public_fd, &fault);
	if (code == FAULT_NONE)
		code = make_key(values, &pair, &answer, &fault);
	if (code != FAULT_NONE && made)
		(void)unlink(out); /* only what was made here: O_EXCL */
	if (code != FAULT_NONE && pair.public_fd >= 0)
		(void)unlink(pair.public_path);
	descriptor_close(&pair.private_fd);
	descriptor_close(&pair.public_fd);
	descriptor_close(&pair.passphrase_fd);
	if (code != FAULT_NONE)
		return key_complain(&fault);
	printf("%s\n", key_text(answer, "keyid"));
	return fflush(stdout) == 0 ? VERB_DONE : VERB_FAILED;
}

int key_generate(char **argv)
{
	struct option_cursor cursor = {VERB, SYNOPSIS, table, COUNT, argv, 1};
	const char *values[COUNT] = {NULL};
	const char *value;
	size_t index;

	for (;;) {
		switch (option_next(&cursor, &index, &value)) {
		case OPTION_FOUND:
			values[index] = value;
			break;
		case OPTION_OPERAND:
		case OPTION_COMMAND:
			return option_usage(VERB, SYNOPSIS, "takes options only");
		case OPTION_HELP:
			return VERB_DONE;
		case OPTION_WRONG:
			return VERB_USAGE;
		case OPTION_END:
			if (values[GENERATE_OUT] == NULL)
				return option_usage(VERB, SYNOPSIS, "needs --out FILE");
			return generate(values);
		}
	}
}
