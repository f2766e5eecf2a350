/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_ROOTFS_H
#define LAUNCH_ROOTFS_H

#include "ipc/fault.h"
#include "stages/launch/assistant.h"
#include "stages/launch/launch.h"

struct json_object;
struct plan_root;

/*
 * runtime.rootfs (safe-run-policy(5)): what the policy names, opened, compared with what was
 * validated, hashed by an assistant, and made ready for init. The launcher reads none of it.
 *
 * Fills plan->root, launch->root_identity (the compile event's root, with the hash) and, for an
 * image, launch->root_fd.
 */
enum fault_code rootfs_identify(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));

/* --- for the files rootfs*.c alone --- */

/* How long one assistant may work on a root. */
#define ROOTFS_TIME_S 900

/* program with its descriptors and words; the rest is the same for all of them. */
void rootfs_assistant(const struct launch *launch, const char *program, const char *path,
		      struct assistant_plan *plan);
enum fault_code rootfs_ask(const struct assistant_plan *plan, struct json_object **record,
			   struct fault *fault) __attribute__((warn_unused_result));

/* sr-tree's account of dir_fd; *record holds the manifest's members. */
enum fault_code rootfs_hash_tree(const struct launch *launch, int dir_fd,
				 struct json_object **record, struct fault *fault)
	__attribute__((warn_unused_result));

/* The compile event's root: kind, and where it comes from. */
struct json_object *rootfs_describe(const struct plan *plan, const char *kind);
/* Its members hash and manifest, from sr-tree's record or the store's. */
void rootfs_add_manifest(struct json_object *root, struct json_object *record);

/* Text and number members of an assistant's record; "" and -1 when it has none. */
const char *rootfs_text(struct json_object *record, const char *name);

/*
 * What the policy names: opened once, for reading, through no symbolic link, and what the validation
 * saw. *fd is the caller's, -1 after a fault.
 */
enum fault_code rootfs_open_source(const struct plan_root *root, int *fd, struct fault *fault)
	__attribute__((warn_unused_result));

/* An image, an archive or a layout, by way of the store (rootfs_store.c). source_fd is borrowed. */
enum fault_code rootfs_from_store(struct launch *launch, int source_fd, struct fault *fault)
	__attribute__((warn_unused_result));

/* A file of the store mounted from a loop device (rootfs_image.c); *mount_fd is the caller's. */
enum fault_code rootfs_mount_image(int file_fd, const char *type, int *mount_fd,
				   struct fault *fault) __attribute__((warn_unused_result));

#endif
