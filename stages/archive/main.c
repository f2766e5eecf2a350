/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-archive: keeps reports so that a missing one shows.
 *
 * PURPOSE  An archive of reports: each a leaf of a Merkle tree, the tree's root signed; bodies
 *          stored by the hash of their bytes and removed when their time comes, leaves never.
 * READS    the archive's directory; for add, a report and its signature in sealed memory and
 *          sr-verify's answer about those very bytes; key files and an older checkpoint, opened
 *          before confinement.
 * WRITES   stdout: records. The archive's directory, nothing else.
 * HOLDS    that directory and, to add or sign, the archive's private key. No privilege.
 * FILTER   sandbox/filters/archive.filter; Landlock gives the one directory.
 * REFUSES  a report that the verifier has not found valid, or that could still change; a name that
 *          is neither a bundle id nor a run id; to sign on top of leaves that were changed.
 * WHY NOT  in sr-verify: who reads strangers' reports must not write, and no database belongs
 *          there.
 */
#include "sandbox/landlock.h"
#include "stages/archive/action.h"
#include "stages/archive/answer.h"
#include "stages/seal/digest.h"
#include "stages/seal/signature.h"
#include "stages/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum option {
	OPTION_ARCHIVE,
	OPTION_REPORT_FD,
	OPTION_SIGNATURE_FD,
	OPTION_VERDICT_FD,
	OPTION_KEY_FD,
	OPTION_PASSPHRASE_FD,
	OPTION_KEY,
	OPTION_SINCE,
	OPTION_ORIGIN,
	OPTION_RETENTION,
	OPTION_FIRST,
	OPTION_LIMIT,
	OPTION_TRUST_DIR,
	OPTION_COUNT
};

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_ARCHIVE] = {.name = "archive",
			    .kind = STAGE_OPTION_TEXT,
			    .value_name = "DIR",
			    .help = "the archive; always needed"},
	[OPTION_REPORT_FD] = {.name = "report-fd",
			      .kind = STAGE_OPTION_FD,
			      .value_name = "N",
			      .help = "add: the report, in sealed memory (memfd_create(2))"},
	[OPTION_SIGNATURE_FD] = {.name = "signature-fd",
				 .kind = STAGE_OPTION_FD,
				 .value_name = "N",
				 .help = "add: the bundle signed over it, in sealed memory"},
	[OPTION_VERDICT_FD] = {.name = "verdict-fd",
			       .kind = STAGE_OPTION_FD,
			       .value_name = "N",
			       .help = "add: what sr-verify says of them"},
	[OPTION_KEY_FD] = {.name = "key-fd",
			   .kind = STAGE_OPTION_FD,
			   .value_name = "N",
			   .help = "add, checkpoint: the archive's private key"},
	[OPTION_PASSPHRASE_FD] = {.name = "passphrase-fd",
				  .kind = STAGE_OPTION_FD,
				  .value_name = "N",
				  .help = "the passphrase of that key"},
	[OPTION_KEY] = {.name = "key",
			.kind = STAGE_OPTION_LIST,
			.value_name = "FILE",
			.help = "verify: a public key that may have signed; checkpoint: the one "
				"before"},
	[OPTION_SINCE] = {.name = "since",
			  .kind = STAGE_OPTION_TEXT,
			  .value_name = "FILE",
			  .help = "verify: an older checkpoint, kept elsewhere"},
	[OPTION_ORIGIN] = {.name = "origin",
			   .kind = STAGE_OPTION_TEXT,
			   .value_name = "NAME",
			   .help = "add: what a new archive is called; verify: what it must be"},
	[OPTION_RETENTION] = {.name = "retention",
			      .kind = STAGE_OPTION_TEXT,
			      .value_name = "TIME",
			      .help = "add: how long bodies are kept: 1h to 100y, or forever"},
	[OPTION_FIRST] = {.name = "first",
			  .kind = STAGE_OPTION_NUMBER,
			  .max = INT64_MAX,
			  .value_name = "N",
			  .help = "list: from this leaf on"},
	[OPTION_LIMIT] = {.name = "limit",
			  .kind = STAGE_OPTION_NUMBER,
			  .min = 1,
			  .max = INT64_MAX,
			  .value_name = "N",
			  .help = "list: this many at most"},
	[OPTION_TRUST_DIR] = {.name = "trust-dir",
			      .kind = STAGE_OPTION_LIST,
			      .value_name = "DIR",
			      .help = "verify: a directory of trusted keys"},
};

#define BIT(option) (1U << (option))
#define SIGNS	    (BIT(OPTION_KEY_FD) | BIT(OPTION_PASSPHRASE_FD))

/* What each action takes beside the archive, and what it cannot do without. */
static const struct action {
	const char *name;
	action_fn *run;
	unsigned int needs, takes;
	bool takes_id;
} actions[] = {
	{"add", add_run, BIT(OPTION_REPORT_FD) | BIT(OPTION_VERDICT_FD) | BIT(OPTION_KEY_FD),
	 BIT(OPTION_SIGNATURE_FD) | BIT(OPTION_ORIGIN) | BIT(OPTION_RETENTION) | SIGNS, false},
	{"list", ask_list, 0, BIT(OPTION_FIRST) | BIT(OPTION_LIMIT), false},
	{"find", ask_find, 0, 0, true},
	{"show", ask_show, 0, 0, true},
	{"verify", audit_run, 0,
	 BIT(OPTION_KEY) | BIT(OPTION_TRUST_DIR) | BIT(OPTION_SINCE) | BIT(OPTION_ORIGIN), false},
	{"prove", prove_run, 0, 0, true},
	{"prune", prune_run, 0, 0, false},
	{"checkpoint", checkpoint_run, 0, SIGNS | BIT(OPTION_KEY), false},
	{"reindex", reindex_run, 0, 0, false},
};

struct archive_state {
	const struct action *action;
	struct action_input input;
	struct keyring trusted;
	struct fault fault; /* why it cannot be done: told once confined */
};

static const struct action *find_action(const struct stage_context *context)
{
	const char *name = context->operand_count > 0 ? context->operands[0] : "";

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(name, actions[i].name) == 0)
			return &actions[i];
	return NULL;
}

/* The options given are those the action takes, and all it needs. */
static bool fits(const struct stage_context *context, const struct action *action)
{
	unsigned int given = 0;

	for (unsigned int i = 0; i < OPTION_COUNT; i++)
		if (context->values[i].given || context->values[i].list_count > 0)
			given |= BIT(i);
	return (given & BIT(OPTION_ARCHIVE)) != 0 && (given & action->needs) == action->needs &&
	       (given & ~(BIT(OPTION_ARCHIVE) | action->needs | action->takes)) == 0 &&
	       context->operand_count == (action->takes_id ? 2U : 1U);
}

static int open_file(struct archive_state *state, const char *path, const char *place)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		fault_set_errno(&state->fault, FAULT_ARCHIVE, errno, place, "%s", path);
	return fd;
}

/* Memory that nobody can change any more is what both the verifier and this stage have read. */
static void check_sealed(struct archive_state *state, int fd)
{
	int wanted = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & wanted) != wanted)
		fault_set(&state->fault, FAULT_ARCHIVE, "archive.report",
			  "it is not in sealed memory: it could change between its being checked "
			  "and its being stored");
}

static void open_archive(struct stage_context *context, struct archive_state *state)
{
	struct action_input *input = &state->input;

	input->archive_fd = open(context->values[OPTION_ARCHIVE].text,
				 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (input->archive_fd < 0) {
		fault_set_errno(&state->fault, FAULT_ARCHIVE, errno, "archive", "%s",
				context->values[OPTION_ARCHIVE].text);
		return;
	}
	context->fd_rules[context->fd_rule_count++] = (struct sandbox_fd_rule){
		.fd = input->archive_fd,
		.landlock_access = SANDBOX_FS_READ_FILE | SANDBOX_FS_READ_DIR |
				   SANDBOX_FS_WRITE_FILE | SANDBOX_FS_TRUNCATE |
				   SANDBOX_FS_MAKE_REG | SANDBOX_FS_MAKE_DIR |
				   SANDBOX_FS_REMOVE_FILE,
	};
}

static void open_inputs(struct stage_context *context, struct archive_state *state)
{
	const struct stage_value *values = context->values;
	struct action_input *input = &state->input;

	*input = (struct action_input){
		.report_fd = values[OPTION_REPORT_FD].fd,
		.signature_fd = values[OPTION_SIGNATURE_FD].fd,
		.verdict_fd = values[OPTION_VERDICT_FD].fd,
		.signer_fd = values[OPTION_KEY_FD].fd,
		.passphrase_fd = values[OPTION_PASSPHRASE_FD].fd,
		.since_fd = -1,
		.origin = values[OPTION_ORIGIN].text,
		.retention = "forever",
		.id = state->action->takes_id ? context->operands[1] : NULL,
		.after = values[OPTION_FIRST].number,
		.limit = values[OPTION_LIMIT].number,
	};
	open_archive(context, state);
	if (values[OPTION_SINCE].given)
		input->since_fd = open_file(state, values[OPTION_SINCE].text, "since");
	for (size_t i = 0; i < values[OPTION_KEY].list_count && i < ACTION_KEYS_MAX; i++)
		input->key_fds[input->key_count++] =
			open_file(state, values[OPTION_KEY].list[i], "archive.key");
	for (size_t i = 0; i < values[OPTION_TRUST_DIR].list_count; i++)
		if (state->fault.code == FAULT_NONE)
			(void)!keyring_open_directory(
				&state->trusted, values[OPTION_TRUST_DIR].list[i], &state->fault);
	if (values[OPTION_TRUST_DIR].list_count > 0)
		input->trusted = &state->trusted;
	if (input->report_fd >= 0)
		check_sealed(state, input->report_fd);
	if (input->signature_fd >= 0)
		check_sealed(state, input->signature_fd);
}

/* A name of its own for an archive whose maker gave it none. */
static bool name_archive(struct action_input *input)
{
	uint64_t random;

	if (input->origin != NULL) {
		snprintf(input->new_origin, sizeof(input->new_origin), "%s", input->origin);
		return true;
	}
	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return false;
	snprintf(input->new_origin, sizeof(input->new_origin), "safe-run-archive/%016" PRIx64,
		 random);
	return true;
}

static enum stage_exit archive_stage_open(struct stage_context *context)
{
	const struct stage_value *values = context->values;
	struct archive_state *state = context->state;
	const char *origin = values[OPTION_ORIGIN].text, *retention = values[OPTION_RETENTION].text;
	uint64_t seconds;

	state->action = find_action(context);
	if (state->action == NULL || !fits(context, state->action)) {
		stage_complain(
			context->stage,
			"needs --archive DIR, one of add, list, find ID, show ID, prove ID, "
			"verify, prune, checkpoint, reindex, and only options of that action");
		return STAGE_USAGE;
	}
	if (origin != NULL && !note_origin_valid(origin)) {
		stage_complain(context->stage,
			       "--origin: 1 to %d printable characters without space or plus",
			       NOTE_ORIGIN_MAX);
		return STAGE_USAGE;
	}
	if (retention != NULL && !retention_read(retention, &seconds)) {
		stage_complain(context->stage,
			       "--retention: a number and h, d or y, from 1h to 100y, or forever");
		return STAGE_USAGE;
	}
	if (values[OPTION_KEY].list_count > ACTION_KEYS_MAX) {
		stage_complain(context->stage, "--key: at most %d", ACTION_KEYS_MAX);
		return STAGE_USAGE;
	}
	open_inputs(context, state);
	if (retention != NULL)
		state->input.retention = retention;
	return name_archive(&state->input) ? STAGE_DONE : STAGE_FAILED;
}

/* libcrypto's provider takes longer to start than a leaf to find. */
static bool needs_keys(const struct action_input *input)
{
	return input->signer_fd >= 0 || input->key_count > 0 || input->trusted != NULL;
}

/* The archive is the working directory: SQLite's files are found from there (index_files.c). */
static enum stage_exit archive_stage_prewarm(struct stage_context *context)
{
	struct archive_state *state = context->state;

	if (digest_prewarm() != 0 || (needs_keys(&state->input) && signature_prewarm() != 0))
		return STAGE_FAILED;
	if (state->fault.code == FAULT_NONE && fchdir(state->input.archive_fd) != 0)
		fault_set_errno(&state->fault, FAULT_ARCHIVE, errno, "archive",
				"cannot be entered");
	return STAGE_DONE;
}

static enum stage_exit archive_stage_run(struct stage_context *context)
{
	struct archive_state *state = context->state;

	enum stage_exit status = state->fault.code != FAULT_NONE
					 ? answer_fault(context, &state->fault)
					 : state->action->run(context, &state->input);

	keyring_release(&state->trusted);
	return status;
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "sr-archive",
		.summary = "keep reports so that a missing one shows",
		.profile = &sandbox_profile_archive,
		.options = options,
		.option_count = OPTION_COUNT,
		.operand_max = 2,
		.hashes = true,
		.open = archive_stage_open,
		.prewarm = archive_stage_prewarm,
		.run = archive_stage_run,
	};
	struct archive_state state = {.action = NULL};

	return stage_main(&stage, &state, argc, argv);
}
