/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/run_options.h"

#include "cmd/option.h"

#include <string.h>

#define SYNOPSIS "[--policy FILE] [OPTION]... [-- COMMAND ARG...]"

#define CHALLENGE_MAX 1024 /* as sr-launch's */

enum run_option {
	RUN_POLICY,
	RUN_WORKDIR,
	RUN_TIMEOUT,
	RUN_ENV,
	RUN_MEMORY,
	RUN_CPU,
	RUN_PIDS,
	RUN_ISOLATION,
	RUN_ARTIFACTS,
	RUN_VMM,
	RUN_ACCEL,
	RUN_SNAPSHOT,
	RUN_MOUNT_ALLOWLIST,
	RUN_CHALLENGE,
	RUN_SAMPLE_MS,
	RUN_SEAL_KEY,
	RUN_SEAL_PASSPHRASE,
	RUN_SIGNER,
	RUN_FORWARD_SEAL,
	RUN_BEST_EFFORT,
	RUN_TTY,
	RUN_OUTPUT,
	RUN_DIFF,
	RUN_APPLY,
	RUN_APPLY_SENSITIVE,
	RUN_JSON,
	RUN_QUIET,
	RUN_OPTION_COUNT
};

static const struct option table[RUN_OPTION_COUNT] = {
	[RUN_POLICY] = {"policy", "FILE",
			"the policy; - is standard input; none: a strict one "
			"that is built in"},
	[RUN_WORKDIR] = {"workdir", "DIR", "where run directories go"},
	[RUN_TIMEOUT] = {"timeout", "SECONDS", "runtime.timeoutSec"},
	[RUN_ENV] = {"env", "NAME[=VALUE]",
		     "runtime.env; without a value the caller's own; may "
		     "be repeated"},
	[RUN_MEMORY] = {"memory", "SIZE", "resources.memory.max: 256Mi, 1Gi, bytes or max"},
	[RUN_CPU] = {"cpu", "CPUS", "resources.cpu.max: 0.5, \"50000 100000\" or max"},
	[RUN_PIDS] = {"pids", "COUNT", "resources.pids.max"},
	[RUN_ISOLATION] = {"isolation", "KIND", "runtime.isolation: process or microvm"},
	[RUN_ARTIFACTS] = {"artifacts", "DIR", "what a microVM is started from"},
	[RUN_VMM] = {"vmm", "NAME", "who runs a microVM: auto, qemu or firecracker"},
	[RUN_ACCEL] = {"accel", "NAME", "with what: auto, kvm or tcg"},
	[RUN_SNAPSHOT] = {"snapshot", NULL,
			  "start a Firecracker machine as it was saved before, or save it"},
	[RUN_MOUNT_ALLOWLIST] = {"mount-allowlist", "FILE", "where mount sources may lie"},
	[RUN_CHALLENGE] = {"challenge", "TEXT", "goes into the first event, to date the report"},
	[RUN_SAMPLE_MS] = {"sample-ms", "MS", "how often resources are sampled (100)"},
	[RUN_SEAL_KEY] = {"seal-key", "FILE", "sign the report with this private key"},
	[RUN_SEAL_PASSPHRASE] = {"seal-passphrase-fd", "N|prompt",
				 "the key's passphrase: a line from descriptor N, or asked for"},
	[RUN_SIGNER] = {"signer", "SOCKET", "have the report signed by the safe-run signer there"},
	[RUN_FORWARD_SEAL] = {"forward-seal", "FILE",
			      "seal each event so that nobody can change it later; the key "
			      "that shows it goes into FILE, for another host"},
	[RUN_BEST_EFFORT] = {"best-effort", NULL,
			     "run although the host cannot enforce all of "
			     "the policy; the report says what it did not"},
	[RUN_TTY] = {"tty", NULL, "give the command a terminal of its own"},
	[RUN_OUTPUT] = {"output", "DIR",
			"copy the collected outputs into DIR, which is made or empty"},
	[RUN_DIFF] = {"diff", "DIR", "show what the output changes of the tree DIR"},
	[RUN_APPLY] = {"apply", NULL, "and write the changes into DIR"},
	[RUN_APPLY_SENSITIVE] = {"apply-sensitive", NULL,
				 "even where they touch hooks, start-up files or CI "
				 "configuration"},
	[RUN_JSON] = {"json", NULL,
		      "one response record on stdout; the command's output goes to "
		      "the log files only"},
	[RUN_QUIET] = {"quiet", NULL, "no summary on stderr"},
};

static enum fault_code take(struct run_options *options, enum run_option option, const char *value,
			    struct fault *fault)
{
	struct overrides *overrides = &options->overrides;

	switch (option) {
	case RUN_POLICY:
		options->policy = value;
		return FAULT_NONE;
	case RUN_WORKDIR:
		options->workdir = value;
		return FAULT_NONE;
	case RUN_TIMEOUT:
		return overrides_amount(overrides, "runtime.timeoutSec", value, fault);
	case RUN_ENV:
		return overrides_env(overrides, value, fault);
	case RUN_MEMORY:
		return overrides_amount(overrides, "resources.memory.max", value, fault);
	case RUN_CPU:
		return overrides_cpu(overrides, value, fault);
	case RUN_PIDS:
		return overrides_amount(overrides, "resources.pids.max", value, fault);
	case RUN_ISOLATION:
		return overrides_text(overrides, "runtime.isolation", value, fault);
	case RUN_ARTIFACTS:
		options->artifacts = value;
		return FAULT_NONE;
	case RUN_VMM:
		options->vmm = value;
		return FAULT_NONE;
	case RUN_ACCEL:
		options->accel = value;
		return FAULT_NONE;
	case RUN_SNAPSHOT:
		options->snapshot = true;
		return FAULT_NONE;
	case RUN_MOUNT_ALLOWLIST:
		options->mount_allowlist = value;
		return FAULT_NONE;
	case RUN_CHALLENGE:
		options->challenge = value;
		return FAULT_NONE;
	case RUN_SAMPLE_MS:
		options->sample_ms = value;
		return FAULT_NONE;
	case RUN_SEAL_KEY:
		options->seal_key = value;
		return FAULT_NONE;
	case RUN_SEAL_PASSPHRASE:
		options->seal_passphrase = value;
		return FAULT_NONE;
	case RUN_SIGNER:
		options->signer = value;
		return FAULT_NONE;
	case RUN_FORWARD_SEAL:
		options->forward_seal = value;
		return FAULT_NONE;
	case RUN_BEST_EFFORT:
		options->best_effort = true;
		return FAULT_NONE;
	case RUN_TTY:
		options->tty = true;
		return FAULT_NONE;
	case RUN_OUTPUT:
		options->output = value;
		return FAULT_NONE;
	case RUN_DIFF:
		options->diff = value;
		return FAULT_NONE;
	case RUN_APPLY:
		options->apply = true;
		return FAULT_NONE;
	case RUN_APPLY_SENSITIVE:
		options->apply_sensitive = true;
		return FAULT_NONE;
	case RUN_JSON:
		options->json = true;
		return FAULT_NONE;
	case RUN_QUIET:
	case RUN_OPTION_COUNT:
		options->quiet = true;
		return FAULT_NONE;
	}
	return FAULT_NONE;
}

/*
 * The line is wrong as a whole, so what stands behind the wrong word, in rest, is not read; but who
 * asks for a record there gets one.
 */
static enum run_options_answer refuse_line(struct run_options *options, char *const *rest,
					   struct fault *fault)
{
	for (; *rest != NULL && strcmp(*rest, "--") != 0; rest++)
		options->json = options->json || strcmp(*rest, "--json") == 0;
	fault_set(fault, FAULT_RUN_INIT, "run.options", "%s; usage: safe-run run " SYNOPSIS,
		  fault->message);
	return RUN_OPTIONS_WRONG;
}

static enum run_options_answer wrong(struct run_options *options, char *const *rest,
				     const char *what, struct fault *fault)
{
	option_usage("run", SYNOPSIS, what);
	fault_set(fault, FAULT_RUN_INIT, "", "%s", what);
	return refuse_line(options, rest, fault);
}

/* The first fault is the one told; reading goes on, for --json may come behind it. */
static struct fault *spare(struct fault *first, struct fault *later)
{
	return first->code == FAULT_NONE ? first : later;
}

static bool one_of(const char *text, const char *first, const char *second, const char *third)
{
	return strcmp(text, first) == 0 || strcmp(text, second) == 0 || strcmp(text, third) == 0;
}

/* What only shows once all of it has been read. */
static enum run_options_answer check(struct run_options *options, char *const *command,
				     struct fault *fault)
{
	static char *const all_read[] = {NULL};
	const char *what = NULL;
	struct fault later;
	uint64_t sample_ms;

	if (options->policy == NULL && *command == NULL)
		what = "there is nothing to run: give --policy FILE, or -- and a command";
	else if (options->tty && options->json)
		what = "--tty and --json exclude each other";
	else if (options->sample_ms != NULL &&
		 !option_number(options->sample_ms, 1, 3600000, &sample_ms))
		what = "--sample-ms takes 1 to 3600000";
	else if (options->vmm != NULL && !one_of(options->vmm, "auto", "qemu", "firecracker"))
		what = "--vmm takes auto, qemu or firecracker";
	else if (options->accel != NULL && !one_of(options->accel, "auto", "kvm", "tcg"))
		what = "--accel takes auto, kvm or tcg";
	else if (options->seal_key != NULL && options->signer != NULL)
		what = "--seal-key and --signer exclude each other";
	else if (options->seal_passphrase != NULL && options->seal_key == NULL)
		what = "--seal-passphrase-fd belongs to --seal-key";
	else if (options->challenge != NULL && strlen(options->challenge) > CHALLENGE_MAX)
		what = "--challenge takes at most 1024 bytes";
	else if (options->diff != NULL && options->json && !options->apply)
		what = "--diff writes text to stdout, where --json has its record";
	else if (options->apply && options->diff == NULL)
		what = "--apply needs --diff DIR: the tree to write into";
	else if (options->apply_sensitive && !options->apply)
		what = "--apply-sensitive needs --apply";
	if (what != NULL)
		return wrong(options, all_read, what, fault);
	if (*command != NULL &&
	    overrides_command(&options->overrides, command, spare(fault, &later)) != FAULT_NONE)
		return RUN_OPTIONS_REFUSED;
	return fault->code == FAULT_NONE ? RUN_OPTIONS_READ : RUN_OPTIONS_REFUSED;
}

enum run_options_answer run_options_read(struct run_options *options, char **argv,
					 struct fault *fault)
{
	struct option_cursor cursor = {"run", SYNOPSIS, table, RUN_OPTION_COUNT, argv, 1};
	struct fault later;
	const char *value;
	size_t index;

	memset(options, 0, sizeof(*options));
	memset(fault, 0, sizeof(*fault));
	overrides_init(&options->overrides);
	for (;;) {
		value = NULL;
		switch (option_next(&cursor, &index, &value)) {
		case OPTION_FOUND:
			(void)take(options, (enum run_option)index, value, spare(fault, &later));
			break;
		case OPTION_OPERAND:
			return wrong(options, argv + cursor.next,
				     "a command comes behind --: safe-run run -- COMMAND ARG...",
				     fault);
		case OPTION_HELP:
			return RUN_OPTIONS_HELP;
		case OPTION_WRONG:
			fault_set(fault, FAULT_RUN_INIT, "", "'%.200s' %s", argv[cursor.next - 1],
				  value);
			return refuse_line(options, argv + cursor.next, fault);
		case OPTION_COMMAND:
		case OPTION_END:
			return check(options, argv + cursor.next, fault);
		}
	}
}
