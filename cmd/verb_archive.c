/* SPDX-License-Identifier: Apache-2.0 */
/* safe-run archive: the command line of sr-archive, and its records in words. */
#include "cmd/archive_verb.h"
#include "cmd/archive_words.h"
#include "cmd/option.h"
#include "cmd/spawn.h"
#include "cmd/verb.h"
#include "cmd/verification.h"
#include "ipc/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct option table[ARCHIVE_COUNT] = {
	[ARCHIVE_ARCHIVE] = {"archive", "DIR", "the archive; add makes one of an empty directory"},
	[ARCHIVE_FIRST] = {"first", "N", "list: from leaf N on"},
	[ARCHIVE_JSON] = {"json", NULL, "sr-archive's records as they are"},
	[ARCHIVE_KEY] = {"key", "FILE",
			 "add, checkpoint: the archive's private key; verify: a public key"},
	[ARCHIVE_LIMIT] = {"limit", "N", "list: N leaves at most"},
	[ARCHIVE_OLD_KEY] = {"old-key", "FILE",
			     "checkpoint: the public key that signed the one before"},
	[ARCHIVE_ORIGIN] = {"origin", "NAME",
			    "add: what a new archive is called; verify: what it must be"},
	[ARCHIVE_OUT] = {"out", "FILE", "prove: where the proof goes, instead of standard output"},
	[ARCHIVE_PASSPHRASE] = {"passphrase-fd", "FROM", "of the key: prompt, or a descriptor"},
	[ARCHIVE_REQUIRE] = {"require", "TIER", "add: a report with less is not taken: signed"},
	[ARCHIVE_RETENTION] = {"retention", "TIME",
			       "add: how long bodies are kept, 1h to 100y; forever unless given"},
	[ARCHIVE_SINCE] = {"since", "FILE", "verify: prove growth from this older checkpoint"},
	[ARCHIVE_TRUST_DIR] = {"trust-dir", "DIR",
			       "add: whose signatures count, instead of the usual directories; "
			       "verify: whose checkpoints count"},
};

#define TAKES(index) (1U << (index))
#define SIGNS	     (TAKES(ARCHIVE_KEY) | TAKES(ARCHIVE_PASSPHRASE))

static int ask(const struct archive_args *args);

static const struct action {
	const char *name;
	int (*run)(const struct archive_args *args);
	unsigned int takes; /* beside --archive and --json */
	size_t operand_min, operand_max;
	enum archive_words words;
} actions[] = {
	{"add", archive_add,
	 SIGNS | TAKES(ARCHIVE_RETENTION) | TAKES(ARCHIVE_ORIGIN) | TAKES(ARCHIVE_REQUIRE) |
		 TAKES(ARCHIVE_TRUST_DIR),
	 1, ARCHIVE_FILES_MAX, ARCHIVE_WORDS_ADDED},
	{"list", ask, TAKES(ARCHIVE_FIRST) | TAKES(ARCHIVE_LIMIT), 0, 0, ARCHIVE_WORDS_LINE},
	{"find", ask, 0, 1, 1, ARCHIVE_WORDS_LINE},
	{"show", ask, 0, 1, 1, ARCHIVE_WORDS_WHOLE},
	{"verify", ask,
	 TAKES(ARCHIVE_KEY) | TAKES(ARCHIVE_TRUST_DIR) | TAKES(ARCHIVE_SINCE) |
		 TAKES(ARCHIVE_ORIGIN),
	 0, 0, ARCHIVE_WORDS_LINE},
	{"prove", archive_prove, TAKES(ARCHIVE_OUT), 1, 1, ARCHIVE_WORDS_LINE},
	{"prune", ask, 0, 0, 0, ARCHIVE_WORDS_PRUNED},
	{"checkpoint", archive_checkpoint, SIGNS | TAKES(ARCHIVE_OLD_KEY), 0, 0,
	 ARCHIVE_WORDS_LINE},
	{"reindex", ask, 0, 0, 0, ARCHIVE_WORDS_INDEXED},
};

static const struct action *find_action(const char *name)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
	return NULL;
}

int archive_verb_complain(const struct fault *fault)
{
	fprintf(stderr, "safe-run: %s: %s\n", fault->path, fault->message);
	return VERB_REFUSED;
}

void archive_verb_add_option(struct spawn *spawn, const char *name, const char *value)
{
	if (value != NULL)
		spawn_text(spawn, name, value);
}

enum fault_code archive_verb_print(int fd, const struct archive_args *args, struct fault *fault)
{
	enum archive_words words = find_action(args->action)->words;
	bool verifies = strcmp(args->action, "verify") == 0;
	struct record_reader reader;
	enum fault_code code = FAULT_NONE;
	enum record_status status;
	const char *line;
	size_t len;

	record_reader_init(&reader, fd, RECORD_EVENT_MAX);
	while (code == FAULT_NONE &&
	       (status = record_read(&reader, &line, &len, FAULT_ARCHIVE, fault)) == RECORD_LINE)
		code = verifies ? verification_print(line, len, fault)
				: archive_words_print(words, line, len, fault);
	if (code == FAULT_NONE && status == RECORD_FAULT)
		code = fault->code;
	record_reader_release(&reader);
	return code;
}

/* Runs sr-archive, its records as they are or in words. */
int archive_verb_run(struct spawn *spawn, const struct spawn_home *home,
		     const struct archive_args *args)
{
	struct process process = PROCESS_NONE;
	struct process_end end;
	struct fault fault;
	enum fault_code code;
	int answer[2], status;

	if (args->values[ARCHIVE_JSON] != NULL)
		return spawn_and_wait(spawn, home);
	if (pipe2(answer, O_CLOEXEC) != 0) {
		fault_set_errno(&fault, FAULT_RUN_INIT, errno, "safe-run", "pipe");
		return archive_verb_complain(&fault);
	}
	spawn->stdout_fd = answer[1];
	code = spawn_start(spawn, home, &process, &fault);
	close(answer[1]);
	if (code == FAULT_NONE) {
		code = archive_verb_print(answer[0], args, &fault);
		close(answer[0]);
		end = process_reap(&process);
		status = process_status("sr-archive", &end);
		return code == FAULT_NONE ? status : archive_verb_complain(&fault);
	}
	close(answer[0]);
	return archive_verb_complain(&fault);
}

void archive_verb_begin(struct spawn *spawn, const struct archive_args *args)
{
	spawn_begin(spawn, "sr-archive", STDIN_FILENO, STDOUT_FILENO);
	archive_verb_add_option(spawn, "--archive", args->values[ARCHIVE_ARCHIVE]);
	archive_verb_add_option(spawn, "--origin", args->values[ARCHIVE_ORIGIN]);
}

static int ask(const struct archive_args *args)
{
	struct spawn_home home;
	struct spawn spawn;
	struct fault fault;

	if (spawn_find_home(&home, &fault) != FAULT_NONE)
		return archive_verb_complain(&fault);
	archive_verb_begin(&spawn, args);
	archive_verb_add_option(&spawn, "--first", args->values[ARCHIVE_FIRST]);
	archive_verb_add_option(&spawn, "--limit", args->values[ARCHIVE_LIMIT]);
	archive_verb_add_option(&spawn, "--since", args->values[ARCHIVE_SINCE]);
	for (size_t i = 0; i < args->key_count; i++)
		spawn_text(&spawn, "--key", args->keys[i]);
	for (size_t i = 0; i < args->trust_dir_count; i++)
		spawn_text(&spawn, "--trust-dir", args->trust_dirs[i]);
	spawn_flag(&spawn, args->action);
	if (args->operand_count > 0) {
		spawn_flag(&spawn, args->operands[0]);
	}
	return archive_verb_run(&spawn, &home, args);
}

/* What an action does not take is refused, not passed over. */
static int run_action(const struct archive_args *args)
{
	const struct action *action = find_action(args->action);

	if (action == NULL)
		return option_usage("archive", ARCHIVE_SYNOPSIS, "there is no such action");
	if (args->values[ARCHIVE_ARCHIVE] == NULL)
		return option_usage("archive", ARCHIVE_SYNOPSIS, "needs --archive DIR");
	for (unsigned int i = 0; i < ARCHIVE_COUNT; i++)
		if (args->values[i] != NULL && i != ARCHIVE_ARCHIVE && i != ARCHIVE_JSON &&
		    (action->takes & TAKES(i)) == 0)
			return option_usage("archive", ARCHIVE_SYNOPSIS,
					    "an option that this action does not take");
	if (args->operand_count < action->operand_min || args->operand_count > action->operand_max)
		return option_usage("archive", ARCHIVE_SYNOPSIS,
				    "the wrong number of arguments for this action");
	return action->run(args);
}

static bool take_operand(struct archive_args *args, const char *value)
{
	if (args->action == NULL) {
		args->action = value;
		return true;
	}
	if (args->operand_count == ARCHIVE_FILES_MAX)
		return false;
	args->operands[args->operand_count++] = value;
	return true;
}

static bool take_option(struct archive_args *args, size_t index, const char *value)
{
	/* A flag has no value: its own name says that it was given. */
	args->values[index] = table[index].value_name == NULL ? table[index].name : value;
	if (index == ARCHIVE_TRUST_DIR) {
		if (args->trust_dir_count == ARCHIVE_KEYS_MAX)
			return false;
		args->trust_dirs[args->trust_dir_count++] = value;
	}
	if (index != ARCHIVE_KEY)
		return true;
	if (args->key_count == ARCHIVE_KEYS_MAX)
		return false;
	args->keys[args->key_count++] = value;
	return true;
}

int verb_archive(int argc, char **argv)
{
	struct option_cursor cursor = {"archive", ARCHIVE_SYNOPSIS, table, ARCHIVE_COUNT, argv, 1};
	struct archive_args args = {.action = NULL};
	const char *value;
	size_t index;

	(void)argc;
	for (;;) {
		switch (option_next(&cursor, &index, &value)) {
		case OPTION_FOUND:
			if (!take_option(&args, index, value))
				return option_usage("archive", ARCHIVE_SYNOPSIS,
						    "too many keys or directories");
			break;
		case OPTION_OPERAND:
			if (!take_operand(&args, value))
				return option_usage("archive", ARCHIVE_SYNOPSIS,
						    "too many reports");
			break;
		case OPTION_COMMAND:
			while (argv[cursor.next] != NULL)
				if (!take_operand(&args, argv[cursor.next++]))
					return option_usage("archive", ARCHIVE_SYNOPSIS,
							    "too many reports");
			break;
		case OPTION_HELP:
			return VERB_DONE;
		case OPTION_WRONG:
			return VERB_USAGE;
		case OPTION_END:
			if (args.action == NULL)
				return option_usage("archive", ARCHIVE_SYNOPSIS, "needs an action");
			return run_action(&args);
		}
	}
}
