/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_ROOT_H
#define LAUNCH_ROOT_H

#include "ipc/fault.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct apart;
struct plan;

/*
 * The file system the workload will see, made by init in its own mount namespace: a small tmpfs,
 * read-only in the end, with the plan's part of the host bound into it, and one more tmpfs of
 * diskMax bytes of which /tmp, /dev/shm and the work directory are parts.
 */
struct root {
	int fd;	      /* the new root */
	int disk_fd;  /* the private tmpfs, -1 before root_disk */
	int empty_fd; /* a directory of it with nothing in it, which the workload never sees */
	dev_t device;
	dev_t disk_device;
};

#define ROOT_DISK_EMPTY "empty"
#define ROOT_DISK_TMP	"tmp"
#define ROOT_DISK_SHM	"shm"
#define ROOT_DISK_WORK	"work"

/* What needs no plan: private propagation, the empty root, /dev and /proc. */
enum fault_code root_start(struct root *root, bool rootless, struct fault *fault)
	__attribute__((warn_unused_result));

/* The host's directories, files and links. */
enum fault_code root_entries(struct apart *apart, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * The entries at the top of the policy's own tree: plan->root.tree, or the mount image_fd is the
 * root of. /dev, /proc, /sys and /tmp of it are passed over, whatever they are: those are the
 * sandbox's. After root_disk.
 */
enum fault_code root_tree(struct apart *apart, int image_fd, struct fault *fault)
	__attribute__((warn_unused_result));

/* /tmp, /dev/shm. */
enum fault_code root_disk(struct root *root, const struct plan *plan, struct fault *fault)
	__attribute__((warn_unused_result));

/* How many files, directories and links the private tmpfs has room for. */
uint64_t root_disk_inodes(const struct plan *plan);

/* Whether the work directory is a part of the private tmpfs: not within a mount of the policy, nor
 * within the system. */
bool root_workdir_private(const struct plan *plan);

/* The work directory, when it is private. */
enum fault_code root_workdir(const struct root *root, const struct plan *plan, struct fault *fault)
	__attribute__((warn_unused_result));

/* The work directory for reading, when it is private: /tmp is too. The caller's; -1 with errno. */
int root_open_workdir(const struct root *root, const struct plan *plan)
	__attribute__((warn_unused_result));

/* Close it for writing and make it "/". Closes both descriptors. */
enum fault_code root_enter(struct root *root, struct fault *fault)
	__attribute__((warn_unused_result));

/* Let go of the host's tree, which no path leads to any more; from the new root's top. */
enum fault_code root_leave(struct fault *fault) __attribute__((warn_unused_result));

/*
 * A place to mount on: a descriptor of path below the root, made (mode 0755, or an empty file)
 * where it is missing, and then a file's is open for writing. Only in our own two file systems: on a bind of the host's it would make
 * something on the host. No component may be a symbolic link. -1 with errno (EROFS: it would be on
 * the host).
 */
int root_place(const struct root *root, const char *path, bool directory)
	__attribute__((warn_unused_result));

/* The same for path, which begins with "/", below dir_fd instead of the root. */
int root_place_at(const struct root *root, int dir_fd, const char *path, bool directory)
	__attribute__((warn_unused_result));

#endif
