/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_MACHINE_FIRECRACKER_HOST_H
#define TESTS_MACHINE_FIRECRACKER_HOST_H

#include "tests/pipeline/run.h"

#include <limits.h>

/*
 * A host with Firecracker on it, below a directory of root's: bin/ has this build's programs and an
 * sr-machine that says KVM works, fc/ jailer and firecracker (tests/firecracker). Which stage is started is
 * decided by what lies beside sr-launch, so the programs under test are the built ones, unchanged.
 */
struct firecracker_host {
	char dir[PATH_MAX / 4];
};

/* Skips the test for anybody but root. */
void firecracker_host_make(struct firecracker_host *host);
void firecracker_host_remove(struct firecracker_host *host);

/* "fc/jailer" below it, in storage of this function's. */
const char *firecracker_host_path(const struct firecracker_host *host, const char *name);

/*
 * What such a machine is started from, in a new directory dir: nothing in it could boot, but it is what
 * its manifest says, and by its first bytes what it should be.
 */
void firecracker_artifacts(const char *dir);

/* What a stand-in is to do, or to call its version: STANDIN_*_MARK and a word. */
void firecracker_host_set(const struct firecracker_host *host, const char *name, const char *mark,
			  const char *word);

/* argv of a run there; the caller frees it. */
const char **firecracker_host_argv(const struct firecracker_host *host, const char *base,
				   const char *const options[], const char *const command[]);
void firecracker_host_run(struct run *run, const struct firecracker_host *host,
			  const char *const options[], const char *const command[],
			  const void *input, size_t input_len);

/* Where jails are, and a run's; others may have theirs. */
#define FIRECRACKER_JAILS "/srv/jailer/firecracker"
void firecracker_jail(const struct run *run, char *path, size_t size);
void firecracker_expect_no_jail(const struct run *run);

#endif
