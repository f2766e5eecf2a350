/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_VERB_H
#define CMD_VERB_H

/*
 * The verbs of safe-run, one file each. argv[0] is the verb's name. A verb's return value is the
 * exit status of safe-run (safe-run(1), EXIT STATUS).
 */
enum verb_exit {
	VERB_DONE = 0,
	VERB_REFUSED = 1, /* errors[] on stdout says why */
	VERB_USAGE = 2,
	VERB_FAILED = 3, /* the system failed us */
	/*
	 * run passes the workload's own status through, so its own failures, a wrong command line
	 * included, need one a workload seldom uses: that of env(1) and timeout(1).
	 */
	VERB_RUN_FAILED = 125,
};

struct verb {
	const char *name;
	const char *synopsis; /* what follows the name */
	const char *summary;
	int (*main)(int argc, char **argv);
};

int verb_archive(int argc, char **argv);
int verb_artifact(int argc, char **argv);
int verb_canon(int argc, char **argv);
int verb_compile(int argc, char **argv);
int verb_gc(int argc, char **argv);
int verb_replay(int argc, char **argv);
int verb_key(int argc, char **argv);
int verb_report(int argc, char **argv);
int verb_run(int argc, char **argv);
int verb_signer(int argc, char **argv);
int verb_validate(int argc, char **argv);

#endif
