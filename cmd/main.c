/* SPDX-License-Identifier: Apache-2.0 */
/*
 * safe-run: the front-end.
 *
 * PURPOSE  find the verb; start the stages, connect them, pass signals on, say how it ended
 * READS    its command line, the policy's bytes (copied, never parsed), seal's result record
 * WRITES   the run directory, the response record or a few lines on stderr
 * HOLDS    what its caller holds; it opens no privilege of its own and starts only the programs
 *          that lie beside it
 * REFUSES  a command line it does not know, whole; a policy that is not a regular file
 * WHY NOT  one process: whoever reads untrusted input must not hold what the launcher holds
 */
#include "cmd/option.h"
#include "cmd/verb.h"
#include "ipc/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int verb_help(int argc, char **argv);
static int verb_version(int argc, char **argv);

static const struct verb verbs[] = {
	{"run", "[--policy FILE] [OPTION]... [-- COMMAND ARG...]",
	 "run a command under a policy and seal a report", verb_run},
	{"validate", "[--policy] FILE", "check a policy and print it normalised", verb_validate},
	{"compile", "--dry-run [--policy] FILE", "print the plans a policy comes to", verb_compile},
	{"report", "verify|inspect [OPTION]... FILE", "what a report proves, what it says",
	 verb_report},
	{"replay", "[--rerun] [--json] RUN_DIR", "whether a run's stages come to the same again",
	 verb_replay},
	{"archive", "ACTION --archive DIR [ARGUMENT]...",
	 "keep reports so that one that is missing shows", verb_archive},
	{"artifact", "build --kernel KERNEL --rootfs ROOT --out DIR",
	 "make what microVMs are started from", verb_artifact},
	{"key", "VERB ...", "make, trust and revoke signing keys", verb_key},
	{"signer", "--key FILE --socket PATH [OPTION]...",
	 "sign the reports of runs with a key they cannot reach", verb_signer},
	{"canon", "", "write the JSON on stdin in canonical form (RFC 8785)", verb_canon},
	{"gc", "[--workdir DIR] [--older-than SECONDS] [--dry-run]",
	 "remove what killed runs left behind", verb_gc},
	{"version", "", "print the version", verb_version},
	{"help", "", "print this", verb_help},
};

#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

static void print_verbs(FILE *stream)
{
	fputs("usage: safe-run VERB [ARGUMENT]...\n\n", stream);
	for (size_t i = 0; i < VERB_COUNT; i++)
		fprintf(stream, "  %-9s %-48s\n            %s\n", verbs[i].name, verbs[i].synopsis,
			verbs[i].summary);
	fputs("\nsafe-run VERB --help lists a verb's options; safe-run(1) is the manual.\n",
	      stream);
}

static int flushed(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return VERB_DONE;
	fprintf(stderr, "safe-run: cannot write to standard output: %s\n", strerror(errno));
	return VERB_FAILED;
}

static int verb_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	print_verbs(stdout);
	return flushed();
}

static int verb_version(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return option_usage("version", "", "takes no argument");
	printf("safe-run %s\n", SAFE_RUN_VERSION);
	return flushed();
}

/*
 * A caller may leave 0, 1 or 2 closed; the next file opened would take that number and be written
 * to as if it were the terminal.
 */
static void fill_standard_descriptors(void)
{
	int fd = open("/dev/null", O_RDWR);

	while (fd >= 0 && fd <= 2)
		fd = open("/dev/null", O_RDWR);
	if (fd < 0)
		_exit(VERB_FAILED);
	close(fd);
}

/*
 * What the caller left open stays open here (--policy /dev/fd/9 must work) but reaches no stage:
 * one call marks all of it close-on-exec (Linux 5.11).
 */
static void prepare_process(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction standard = {.sa_handler = SIG_DFL};

	fill_standard_descriptors();
	if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
		fprintf(stderr, "safe-run: close_range: %s (Linux 5.11 or later is needed)\n",
			strerror(errno));
		_exit(VERB_FAILED);
	}
	umask(077);
	sigaction(SIGPIPE, &ignore, NULL);
	/* A limit on files (RLIMIT_FSIZE) is as good as a full disk: an error, not an end. */
	sigaction(SIGXFSZ, &ignore, NULL);
	/* With SIGCHLD ignored the kernel reaps the stages itself and their status is lost. */
	sigaction(SIGCHLD, &standard, NULL);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	struct fault unknown;

	prepare_process();
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		name = "help";
	if (strcmp(name, "--version") == 0)
		name = "version";
	for (size_t i = 0; i < VERB_COUNT; i++)
		if (strcmp(name, verbs[i].name) == 0)
			return verbs[i].main(argc - 1, argv + 1);
	if (*name != '\0') {
		/* Escaped: a word of the command line may hold a terminal sequence. */
		fault_set(&unknown, FAULT_RUN_INIT, "", "there is no verb '%s'", name);
		fprintf(stderr, "safe-run: %s\n", unknown.message);
	}
	print_verbs(stderr);
	return VERB_USAGE;
}
