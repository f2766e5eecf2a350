/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PIPELINE_ROOT_PLACE_H
#define PIPELINE_ROOT_PLACE_H

#include "tests/pipeline/run.h"

#define PATH_SIZE    4096
#define ROOT_PROGRAM "/bin/rootlook" /* of each root; says what is in the file it is given */

/* A place of the test's own: a tree, images of it, a store ($SAFE_RUN_STORE). */
struct root_place {
	char *dir;
	char tree[PATH_SIZE / 4], store[PATH_SIZE / 4], policy[PATH_SIZE / 4];
};

/* Where this build has it; the caller frees it. */
char *root_program(void);

void root_place_open(struct root_place *place);
void root_place_close(struct root_place *place);

/* A policy with this rootfs; more: members of runtime, ", x: y". */
void root_write_policy(const struct root_place *place, const char *rootfs, const char *more);
/* The program prints the tree's /word. */
void root_run(struct run *run, const struct root_place *place, const char *rootfs);

/* A member of root in the report's first event, "" for none. */
const char *root_text(const struct run *run, const char *name);
/* Ended well with the tree's word, from a root of this kind, whose hash is the artifact's. */
void root_expect_ran(struct run *run, const char *kind);

#endif
