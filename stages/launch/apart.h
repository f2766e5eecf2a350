/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_APART_H
#define LAUNCH_APART_H

#include "ipc/fault.h"
#include "stages/launch/mount_table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;
struct plan;
struct root;

/*
 * How files of the host's come into the sandbox: through inodes of the run's own, so that no lock,
 * lease or watch on them is noticed by another run or by the host (FS10). A directory comes as an
 * overlay (overlay.h), and what is mounted below it as overlays in it (in a user namespace, in
 * parts: apart_split.h); a file comes out of an overlay over its directory, or is copied where it is
 * small and that cannot be. What an earlier overlay shows already comes out of that one. A profile
 * without locks and watches (strict) needs none of it, and gets bind mounts.
 *
 * What cannot be had that way refuses the run, or with best_effort is a bind mount and listed.
 */
#define APART_LAYER_MAX 128 /* more than a plan can need */

/* An overlay, and what it is over. */
struct apart_layer {
	const char *path; /* of the host, not terminated */
	size_t path_len;
	const struct mountinfo *mount;
	int fd;
};

struct apart {
	const struct root *root;
	const struct plan *plan;
	struct mount_table table;
	int table_errno; /* why it could not be read; 0: it was */
	struct apart_layer layers[APART_LAYER_MAX];
	size_t layer_count;
	struct json_object *shared; /* [{"path","reason"}] of bind mounts; NULL: none */
};

/* Whether the plan's profile has calls that leave something on an inode. */
bool apart_wanted(const struct plan *plan);

/*
 * Before there is a plan, while nobody waits for us: what is mounted in our namespace, which nobody
 * else changes from here. apart_start is told of a failure, for not every plan needs it.
 */
void apart_learn(struct apart *apart, const struct root *root);
/* Behind apart_learn, before the first file of the host's. root has its empty_fd. */
enum fault_code apart_start(struct apart *apart, const struct plan *plan, struct fault *fault)
	__attribute__((warn_unused_result));
/* All but shared, which is the caller's. */
void apart_close(struct apart *apart);

struct apart_source {
	int fd;		      /* on it: what is mounted, whatever becomes of the path */
	const char *path;     /* where it is: for what is mounted below it, and for messages */
	const char *field;    /* of a fault */
	enum fault_code code; /* when it fails for another reason than what the host lacks */
	uint64_t inode;
	uint64_t attributes; /* MOUNT_ATTR_* */
	bool directory;
	bool small; /* a copy does, into place_fd, which is open for writing then */
};

/*
 * A directory of which several sources will be parts, all of them in one overlay. Where it cannot
 * be had each gets its own. path lives as long as apart.
 */
enum fault_code apart_offer(struct apart *apart, const char *path, struct fault *fault)
	__attribute__((warn_unused_result));

/* On what place_fd is open on, read-only with all that is mounted below it. */
enum fault_code apart_place(struct apart *apart, const struct apart_source *source, int place_fd,
			    struct fault *fault) __attribute__((warn_unused_result));

/*
 * A directory whose parts are to be copied (mount_copy_one), nothing mounted below it among them:
 * *fd, -1 before, is the caller's.
 */
enum fault_code apart_stage(const struct apart *apart, const struct apart_source *source, int *fd,
			    struct fault *fault) __attribute__((warn_unused_result));

/*
 * Whether best effort may take what source is instead, because of a host that lacks something; it
 * is listed then.
 */
bool apart_share(struct apart *apart, const struct apart_source *source, const struct fault *reason)
	__attribute__((warn_unused_result));

/* --- for the files apart*.c alone --- */

/* why: what of it; error_number 0: none. */
enum fault_code apart_lack(const struct apart_source *source, const char *why, int error_number,
			   struct fault *fault);
int apart_attributes(const struct apart_source *source, int fd, uint64_t *attributes)
	__attribute__((warn_unused_result)); /* with those of the mount fd is on; -1 with errno */

/* Bytes, mode and, as root, owner (apart_copy.c). */
enum fault_code apart_copy(const struct apart *apart, const struct apart_source *source,
			   int place_fd, struct fault *fault) __attribute__((warn_unused_result));

/* What is mounted below source (apart_below.c): whether it may be, and into top_fd with it. */
enum fault_code apart_check_below(const struct apart *apart, const struct apart_source *source,
				  const struct mountinfo *own, struct fault *fault)
	__attribute__((warn_unused_result));
/* Whether something is, and it takes apart_split.h to show it. */
bool apart_is_split(const struct apart *apart, const struct apart_source *source);
enum fault_code apart_add_below(const struct apart *apart, const struct apart_source *source,
				int top_fd, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
