/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_RUN_OPTIONS_H
#define CMD_RUN_OPTIONS_H

#include "cmd/overrides.h"
#include "ipc/fault.h"

#include <stdbool.h>

/* What "safe-run run" was asked for. Strings belong to argv. */
struct run_options {
	const char *policy; /* NULL: the built-in policy; "-": standard input */
	const char *workdir;
	const char *challenge;
	const char *mount_allowlist;
	const char *sample_ms;
	const char *artifacts; /* these three of a microVM */
	const char *vmm;
	const char *accel;
	bool snapshot;
	const char *seal_key;
	const char *seal_passphrase; /* "prompt", or a descriptor's number */
	const char *signer;	     /* a socket */
	const char *forward_seal;    /* a file to be made */
	const char *output;	     /* these two NULL: not asked for */
	const char *diff;
	bool apply; /* with diff */
	bool apply_sensitive;
	bool best_effort;
	bool json;
	bool quiet;
	bool tty;
	struct overrides overrides;
};

enum run_options_answer {
	RUN_OPTIONS_READ,
	RUN_OPTIONS_HELP,    /* printed */
	RUN_OPTIONS_WRONG,   /* *fault, said on stderr; options->json is what was asked for */
	RUN_OPTIONS_REFUSED, /* a value the policy cannot hold; *fault says which */
};

/* The caller releases options->overrides in every case. */
enum run_options_answer run_options_read(struct run_options *options, char **argv,
					 struct fault *fault);

#endif
