/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JAIL_REQUEST_H
#define JAIL_REQUEST_H

#include "ipc/fault.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct json_object;

/*
 * What the launcher asks for: one canonical object in one packet, and beside it the "tasks" files of
 * the run's cgroups. The launcher is believed no further than it has to be: what is executed and what
 * is placed must be the very files whose inodes are named, and each word that ends on jailer's
 * command line has a form of its own here.
 */
#define REQUEST_MAX	    65536
#define REQUEST_FILE_MAX    20 /* kernel, initramfs, root, sixteen mounts, a snapshot's parts */
#define REQUEST_SETTING_MAX 4
#define REQUEST_TASKS_MAX   8
#define REQUEST_UID_BASE    0x6F000000U /* as identity_for_run gives them */
#define REQUEST_UID_MASK    0xFFFFFU

struct request_file {
	const char *name;   /* in the jail: "rootfs.img" */
	const char *source; /* on the host, absolute, clean, without symbolic links */
	uint64_t device, inode;
	const char *hash; /* of an image: "sha256:<hex>" */
};

struct request_setting {
	const char *file, *value; /* of a cgroup */
};

struct request {
	struct json_object *root; /* owns all texts */
	const char *id;
	uid_t uid; /* wanted; the next free one is taken (place.h) */
	struct request_file jailer, firecracker;
	struct request_file files[REQUEST_FILE_MAX];
	size_t file_count;
	struct json_object *config; /* Firecracker's, written into the jail as it is */
	int64_t cgroup_version;	    /* 0: jailer makes no cgroup */
	const char *cgroup_parent;
	struct request_setting settings[REQUEST_SETTING_MAX];
	size_t setting_count;
	int64_t fsize, no_file; /* jailer's two limits */
	const char
		*snapshot; /* NULL: none wanted; "sha256:<hex>" of what a machine's is made from */
	int tasks_fds[REQUEST_TASKS_MAX];
	size_t tasks_count;
};

/* The one packet; waits for it. *request is valid in every case, and the caller releases it. */
enum fault_code request_receive(int channel_fd, struct request *request, struct fault *fault)
	__attribute__((warn_unused_result));

/* The same of text that is here already. */
enum fault_code request_parse(const char *text, size_t len, struct request *request,
			      struct fault *fault) __attribute__((warn_unused_result));

void request_release(struct request *request);

#endif
