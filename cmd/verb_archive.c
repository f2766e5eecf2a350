/* SPDX-License-Identifier: Apache-2.0 */
/*
 * safe-run archive: sr-archive, and for add sr-verify before it. Both are given the same sealed
 * memory; what one of them thinks of a report goes to the other over a pipe this program never
 * reads.
 */
#include "cmd/archive_words.h"
#include "cmd/key_file.h"
#include "cmd/option.h"
#include "cmd/passphrase.h"
#include "cmd/sealed_copy.h"
#include "cmd/spawn.h"
#include "cmd/trust.h"
#include "cmd/verb.h"
#include "cmd/verification.h"
#include "ipc/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYNOPSIS                                                                                   \
	"add|list|find|show|verify|prune|checkpoint|reindex --archive DIR [OPTION]... "            \
	"[ARGUMENT]..."
#define FILES_MAX 4096
#define KEYS_MAX  8

enum table_index {
	TABLE_ARCHIVE,
	TABLE_FIRST,
	TABLE_JSON,
	TABLE_KEY,
	TABLE_LIMIT,
	TABLE_OLD_KEY,
	TABLE_ORIGIN,
	TABLE_PASSPHRASE,
	TABLE_REQUIRE,
	TABLE_RETENTION,
	TABLE_SINCE,
	TABLE_TRUST_DIR,
	TABLE_COUNT
};

static const struct option table[TABLE_COUNT] = {
	[TABLE_ARCHIVE] = {"archive", "DIR", "the archive; add makes one of an empty directory"},
	[TABLE_FIRST] = {"first", "N", "list: from leaf N on"},
	[TABLE_JSON] = {"json", NULL, "sr-archive's records as they are"},
	[TABLE_KEY] = {"key", "FILE",
		       "add, checkpoint: the archive's private key; verify: a public key"},
	[TABLE_LIMIT] = {"limit", "N", "list: N leaves at most"},
	[TABLE_OLD_KEY] = {"old-key", "FILE",
			   "checkpoint: the public key that signed the one before"},
	[TABLE_ORIGIN] = {"origin", "NAME",
			  "add: what a new archive is called; verify: what it must be"},
	[TABLE_PASSPHRASE] = {"passphrase-fd", "FROM", "of the key: prompt, or a descriptor"},
	[TABLE_REQUIRE] = {"require", "TIER", "add: a report with less is not taken: signed"},
	[TABLE_RETENTION] = {"retention", "TIME",
			     "add: how long bodies are kept, 1h to 100y; forever unless given"},
	[TABLE_SINCE] = {"since", "FILE", "verify: prove growth from this older checkpoint"},
	[TABLE_TRUST_DIR] = {"trust-dir", "DIR",
			     "add: whose signatures count, instead of the usual directories"},
};

struct archive_args {
	const char *values[TABLE_COUNT]; /* NULL: not given */
	const char *keys[KEYS_MAX];
	size_t key_count;
	const char *action;
	const char *operands[FILES_MAX];
	size_t operand_count;
};

#define TAKES(index) (1U << (index))
#define SIGNS	     (TAKES(TABLE_KEY) | TAKES(TABLE_PASSPHRASE))

static int run_add(const struct archive_args *args);
static int run_asking(const struct archive_args *args);
static int run_checkpoint(const struct archive_args *args);

static const struct action {
	const char *name;
	int (*run)(const struct archive_args *args);
	unsigned int takes; /* beside --archive and --json */
	size_t operand_min, operand_max;
	enum archive_words words;
} actions[] = {
	{"add", run_add,
	 SIGNS | TAKES(TABLE_RETENTION) | TAKES(TABLE_ORIGIN) | TAKES(TABLE_REQUIRE) |
		 TAKES(TABLE_TRUST_DIR),
	 1, FILES_MAX, ARCHIVE_WORDS_ADDED},
	{"list", run_asking, TAKES(TABLE_FIRST) | TAKES(TABLE_LIMIT), 0, 0, ARCHIVE_WORDS_LINE},
	{"find", run_asking, 0, 1, 1, ARCHIVE_WORDS_LINE},
	{"show", run_asking, 0, 1, 1, ARCHIVE_WORDS_WHOLE},
	{"verify", run_asking, TAKES(TABLE_KEY) | TAKES(TABLE_SINCE) | TAKES(TABLE_ORIGIN), 0, 0,
	 ARCHIVE_WORDS_LINE},
	{"prune", run_asking, 0, 0, 0, ARCHIVE_WORDS_PRUNED},
	{"checkpoint", run_checkpoint, SIGNS | TAKES(TABLE_OLD_KEY), 0, 0, ARCHIVE_WORDS_LINE},
	{"reindex", run_asking, 0, 0, 0, ARCHIVE_WORDS_INDEXED},
};

static const struct action *find_action(const char *name)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
	return NULL;
}

static int complain(const struct fault *fault)
{
	fprintf(stderr, "safe-run: %s: %s\n", fault->path, fault->message);
	return VERB_REFUSED;
}

static void add_option(struct spawn *spawn, const char *name, const char *value)
{
	if (value != NULL)
		spawn_text(spawn, name, value);
}

/* Reads one record or many from fd, until its end. */
static enum fault_code print_records(int fd, const struct archive_args *args, struct fault *fault)
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
static int run_archive(struct spawn *spawn, const struct spawn_home *home,
		       const struct archive_args *args)
{
	struct process process = PROCESS_NONE;
	struct process_end end;
	struct fault fault;
	enum fault_code code;
	int answer[2], status;

	if (args->values[TABLE_JSON] != NULL)
		return spawn_and_wait(spawn, home);
	if (pipe2(answer, O_CLOEXEC) != 0) {
		fault_set_errno(&fault, FAULT_RUN_INIT, errno, "safe-run", "pipe");
		return complain(&fault);
	}
	spawn->stdout_fd = answer[1];
	code = spawn_start(spawn, home, &process, &fault);
	close(answer[1]);
	if (code == FAULT_NONE) {
		code = print_records(answer[0], args, &fault);
		close(answer[0]);
		end = process_reap(&process);
		status = process_status("sr-archive", &end);
		return code == FAULT_NONE ? status : complain(&fault);
	}
	close(answer[0]);
	return complain(&fault);
}

static void begin(struct spawn *spawn, const struct archive_args *args)
{
	spawn_begin(spawn, "sr-archive", STDIN_FILENO, STDOUT_FILENO);
	add_option(spawn, "--archive", args->values[TABLE_ARCHIVE]);
	add_option(spawn, "--origin", args->values[TABLE_ORIGIN]);
}

static int run_asking(const struct archive_args *args)
{
	struct spawn_home home;
	struct spawn spawn;
	struct fault fault;

	if (spawn_find_home(&home, &fault) != FAULT_NONE)
		return complain(&fault);
	begin(&spawn, args);
	add_option(&spawn, "--first", args->values[TABLE_FIRST]);
	add_option(&spawn, "--limit", args->values[TABLE_LIMIT]);
	add_option(&spawn, "--since", args->values[TABLE_SINCE]);
	for (size_t i = 0; i < args->key_count; i++)
		spawn_text(&spawn, "--key", args->keys[i]);
	spawn_flag(&spawn, args->action);
	if (args->operand_count > 0) {
		spawn_flag(&spawn, args->operands[0]);
	}
	return run_archive(&spawn, &home, args);
}

/* The archive's private key, and where its passphrase comes from. */
struct signer_fds {
	int key_fd, passphrase_fd;
};

static void close_signer(const struct signer_fds *signer)
{
	if (signer->key_fd >= 0)
		close(signer->key_fd);
	if (signer->passphrase_fd >= 0)
		close(signer->passphrase_fd);
}

static enum fault_code open_signer(const struct archive_args *args, struct signer_fds *signer,
				   struct fault *fault)
{
	const char *passphrase = args->values[TABLE_PASSPHRASE];

	*signer = (struct signer_fds){-1, -1};
	if (args->key_count != 1)
		return fault_set(fault, FAULT_ARCHIVE, "archive.key",
				 "needs --key FILE, the archive's own private key (safe-run key "
				 "generate --purpose archive --out FILE)");
	if (key_file_open(args->keys[0], &signer->key_fd, fault) != FAULT_NONE)
		return fault->code;
	if (passphrase != NULL)
		return passphrase_open(passphrase, false, &signer->passphrase_fd, fault);
	return FAULT_NONE;
}

static void add_signer(struct spawn *spawn, const struct signer_fds *signer)
{
	spawn_fd(spawn, "--key-fd", signer->key_fd);
	spawn_fd(spawn, "--passphrase-fd", signer->passphrase_fd);
}

/* The checkpoint is printed as it is: it is a file of its own, to be kept elsewhere. */
static int run_checkpoint(const struct archive_args *args)
{
	struct signer_fds signer = {-1, -1};
	struct spawn_home home;
	struct spawn spawn;
	struct fault fault;
	int status;

	if (spawn_find_home(&home, &fault) != FAULT_NONE ||
	    (args->key_count > 0 && open_signer(args, &signer, &fault) != FAULT_NONE)) {
		close_signer(&signer);
		return complain(&fault);
	}
	begin(&spawn, args);
	add_option(&spawn, "--key", args->values[TABLE_OLD_KEY]);
	add_signer(&spawn, &signer);
	spawn_flag(&spawn, args->action);
	status = spawn_and_wait(&spawn, &home);
	close_signer(&signer);
	return status;
}

/* One report and what lies beside it. */
struct report_fds {
	int report_fd, signature_fd;
};

static void close_report(const struct report_fds *report)
{
	if (report->report_fd >= 0)
		close(report->report_fd);
	if (report->signature_fd >= 0)
		close(report->signature_fd);
}

static enum fault_code open_report(const char *path, struct report_fds *report, struct fault *fault)
{
	*report = (struct report_fds){-1, -1};
	if (sealed_copy_report(path, &report->report_fd, fault) != FAULT_NONE)
		return fault->code;
	return sealed_copy_signature(path, &report->signature_fd, fault);
}

/* Whose signatures count is the verifier's to be told, as for report verify. */
static enum fault_code start_verifier(const struct archive_args *args,
				      const struct spawn_home *home,
				      const struct report_fds *report, int answer_fd,
				      struct process *process, struct fault *fault)
{
	struct trust_directories usual = {.count = 0};
	struct spawn spawn;

	if (args->values[TABLE_TRUST_DIR] == NULL)
		trust_find(&usual);
	spawn_begin(&spawn, "sr-verify", STDIN_FILENO, answer_fd);
	spawn_fd(&spawn, "--report-fd", report->report_fd);
	spawn_fd(&spawn, "--bundle-fd", report->signature_fd);
	add_option(&spawn, "--require", args->values[TABLE_REQUIRE]);
	add_option(&spawn, "--trust-dir", args->values[TABLE_TRUST_DIR]);
	for (size_t i = 0; i < usual.count; i++)
		spawn_text(&spawn, "--trust-dir", usual.paths[i]);
	return spawn_start(&spawn, home, process, fault);
}

static int add_opened(const struct archive_args *args, const struct spawn_home *home,
		      const struct report_fds *report, const struct signer_fds *signer)
{
	struct process verifier = PROCESS_NONE;
	struct process_end end;
	struct spawn spawn;
	struct fault fault;
	int verdict[2], status;

	if (pipe2(verdict, O_CLOEXEC) != 0) {
		fault_set_errno(&fault, FAULT_RUN_INIT, errno, "safe-run", "pipe");
		return complain(&fault);
	}
	if (start_verifier(args, home, report, verdict[1], &verifier, &fault) != FAULT_NONE) {
		close(verdict[0]);
		close(verdict[1]);
		return complain(&fault);
	}
	close(verdict[1]);
	begin(&spawn, args);
	add_option(&spawn, "--retention", args->values[TABLE_RETENTION]);
	spawn_fd(&spawn, "--report-fd", report->report_fd);
	spawn_fd(&spawn, "--signature-fd", report->signature_fd);
	spawn_fd(&spawn, "--verdict-fd", verdict[0]);
	add_signer(&spawn, signer);
	spawn_flag(&spawn, "add");
	status = run_archive(&spawn, home, args);
	close(verdict[0]);
	end = process_reap(&verifier);
	if (end.signalled)
		(void)process_status("sr-verify", &end);
	return status;
}

/* sr-archive reads a key from its start; each report's is opened anew. */
static int add_one(const struct archive_args *args, const struct spawn_home *home, const char *path,
		   const struct signer_fds *signer)
{
	struct report_fds report;
	struct fault fault;
	int status;

	if (lseek(signer->key_fd, 0, SEEK_SET) != 0)
		fault_set_errno(&fault, FAULT_ARCHIVE, errno, "archive.key", "cannot be read");
	else if (open_report(path, &report, &fault) == FAULT_NONE) {
		status = add_opened(args, home, &report, signer);
		close_report(&report);
		return status;
	} else
		close_report(&report);
	return complain(&fault);
}

/* A directory for a new archive: its parent must be there. */
static enum fault_code make_place(const char *path, struct fault *fault)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return FAULT_NONE;
	return fault_set_errno(fault, FAULT_ARCHIVE, errno, "archive", "%s cannot be made", path);
}

static int run_add(const struct archive_args *args)
{
	struct signer_fds signer = {-1, -1};
	struct spawn_home home;
	struct fault fault;
	int worst = VERB_DONE;

	if (spawn_find_home(&home, &fault) != FAULT_NONE ||
	    open_signer(args, &signer, &fault) != FAULT_NONE ||
	    make_place(args->values[TABLE_ARCHIVE], &fault) != FAULT_NONE) {
		close_signer(&signer);
		return complain(&fault);
	}
	if (signer.passphrase_fd >= 0 && args->operand_count > 1) {
		close_signer(&signer);
		return option_usage("archive", SYNOPSIS,
				    "a passphrase is good for one report at a time");
	}
	for (size_t i = 0; i < args->operand_count; i++) {
		int status = add_one(args, &home, args->operands[i], &signer);

		worst = status > worst ? status : worst;
	}
	close_signer(&signer);
	return worst;
}

/* What an action does not take is refused, not passed over. */
static int run_action(const struct archive_args *args)
{
	const struct action *action = find_action(args->action);

	if (action == NULL)
		return option_usage("archive", SYNOPSIS, "there is no such action");
	if (args->values[TABLE_ARCHIVE] == NULL)
		return option_usage("archive", SYNOPSIS, "needs --archive DIR");
	for (unsigned int i = 0; i < TABLE_COUNT; i++)
		if (args->values[i] != NULL && i != TABLE_ARCHIVE && i != TABLE_JSON &&
		    (action->takes & TAKES(i)) == 0)
			return option_usage("archive", SYNOPSIS,
					    "an option that this action does not take");
	if (args->operand_count < action->operand_min || args->operand_count > action->operand_max)
		return option_usage("archive", SYNOPSIS,
				    "the wrong number of arguments for this action");
	return action->run(args);
}

static bool take_operand(struct archive_args *args, const char *value)
{
	if (args->action == NULL) {
		args->action = value;
		return true;
	}
	if (args->operand_count == FILES_MAX)
		return false;
	args->operands[args->operand_count++] = value;
	return true;
}

static bool take_option(struct archive_args *args, size_t index, const char *value)
{
	/* A flag has no value: its own name says that it was given. */
	args->values[index] = table[index].value_name == NULL ? table[index].name : value;
	if (index != TABLE_KEY)
		return true;
	if (args->key_count == KEYS_MAX)
		return false;
	args->keys[args->key_count++] = value;
	return true;
}

int verb_archive(int argc, char **argv)
{
	struct option_cursor cursor = {"archive", SYNOPSIS, table, TABLE_COUNT, argv, 1};
	struct archive_args args = {.action = NULL};
	const char *value;
	size_t index;

	(void)argc;
	for (;;) {
		switch (option_next(&cursor, &index, &value)) {
		case OPTION_FOUND:
			if (!take_option(&args, index, value))
				return option_usage("archive", SYNOPSIS, "too many keys");
			break;
		case OPTION_OPERAND:
			if (!take_operand(&args, value))
				return option_usage("archive", SYNOPSIS, "too many reports");
			break;
		case OPTION_COMMAND:
			while (argv[cursor.next] != NULL)
				if (!take_operand(&args, argv[cursor.next++]))
					return option_usage("archive", SYNOPSIS,
							    "too many reports");
			break;
		case OPTION_HELP:
			return VERB_DONE;
		case OPTION_WRONG:
			return VERB_USAGE;
		case OPTION_END:
			if (args.action == NULL)
				return option_usage("archive", SYNOPSIS, "needs an action");
			return run_action(&args);
		}
	}
}
