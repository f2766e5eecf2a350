/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/apart.h"
#include "stages/launch/mount.h"
#include "stages/launch/plan.h"
#include "stages/launch/root.h"
#include "stages/tree/names.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CODE	    FAULT_RUN_LAUNCH
#define PATH	    "launch.root.tree"
#define CLOSED	    (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
#define ENTRIES_MAX 256 /* at the top of a root; Debian's has 20 */

/*
 * The root of the sandbox stays the small tmpfs it is for every run, and each entry at the top of
 * the tree gets its place in it. So mount points for the sandbox's own parts, the work directory
 * and the policy's mounts can be made where the tree has none, without a change to the tree; and
 * what the tree has at /proc or /dev, a directory, a link to the host's, is never even opened.
 */
static bool sandbox_has(const char *name)
{
	static const char *const own[] = {"dev", "proc", "sys", "tmp"};

	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
		if (strcmp(name, own[i]) == 0)
			return true;
	return false;
}

/* One name; a link is opened as the link it is. */
static int open_entry(int tree_fd, const char *name)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC | O_NOFOLLOW,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};

	return (int)syscall(SYS_openat2, tree_fd, name, &how, sizeof how);
}

static int copy_link(const struct root *root, int fd, const char *name)
{
	char target[PLAN_PATH_MAX];
	ssize_t len = readlinkat(fd, "", target, sizeof target);

	if (len < 0)
		return -1;
	if ((size_t)len == sizeof target) {
		errno = ENAMETOOLONG;
		return -1;
	}
	target[len] = '\0';
	/* Only the workload ever follows it, in the finished sandbox. */
	return symlinkat(target, root->fd, name);
}

/* Not recursive: what is mounted below was not hashed (sr-tree refuses such a tree). */
static int bind_entry(const struct root *root, int fd, const char *name, bool directory)
{
	char path[NAME_MAX + 2];
	int mount_fd = mount_copy_one(fd, CLOSED);
	int place = -1, result = -1, error_number;

	(void)snprintf(path, sizeof path, "/%s", name);
	if (mount_fd >= 0)
		place = root_place(root, path, directory);
	if (place >= 0)
		result = mount_place(mount_fd, place);
	error_number = errno;
	(void)close(mount_fd);
	(void)close(place);
	errno = error_number;
	return result;
}

static int add_entry(const struct root *root, int tree_fd, const char *name)
{
	int fd = open_entry(tree_fd, name);
	int result = 0, error_number;
	struct stat info;

	if (fd < 0)
		return -1;
	if (fstat(fd, &info) < 0)
		result = -1;
	else if (S_ISLNK(info.st_mode))
		result = copy_link(root, fd, name);
	else if (S_ISDIR(info.st_mode) || S_ISREG(info.st_mode))
		result = bind_entry(root, fd, name, S_ISDIR(info.st_mode));
	/* A device, FIFO or socket at the top of a root has no use in a sandbox. */
	error_number = errno;
	(void)close(fd);
	errno = error_number;
	return result;
}

static enum fault_code add_entries(const struct root *root, int tree_fd, struct fault *fault)
{
	int list_fd = openat(tree_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum fault_code code = FAULT_NONE;
	struct names names = {.count = 0};

	if (list_fd < 0 || names_read(list_fd, ENTRIES_MAX, &names) < 0)
		code = fault_set_errno(fault, CODE, errno, PATH,
				       "cannot list the top of the root (%d entries at most)",
				       ENTRIES_MAX);
	for (size_t i = 0; code == FAULT_NONE && i < names.count; i++) {
		const char *name = names_at(&names, i);

		if (!sandbox_has(name) && add_entry(root, tree_fd, name) < 0)
			code = fault_set_errno(fault, CODE, errno, PATH, "/%s of the root", name);
	}
	names_release(&names);
	(void)close(list_fd);
	return code;
}

/* Opened without following links, and still the directory that was hashed. */
static int open_tree_top(const struct plan_root *root)
{
	struct plan_identity identity;
	int fd = mount_open(root->tree);

	if (fd < 0)
		return -1;
	if (mount_identify(fd, &identity) == 0 && mount_same(&identity, &root->tree_identity))
		return fd;
	(void)close(fd);
	errno = ESTALE;
	return -1;
}

/* As the private tmpfs (disk.c): a place first, over a /proc nobody looks up any more. */
static int place_image(int image_fd)
{
	if (move_mount(image_fd, "", AT_FDCWD, "/proc", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return -1;
	return openat(image_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/*
 * An image has a loop device and so a file system of this run's own; a directory's inodes are
 * everybody's. Best effort takes it as it is where it must.
 */
static enum fault_code set_apart(struct apart *apart, int *tree_fd, struct fault *fault)
{
	const struct plan_root *root = &apart->plan->root;
	const struct apart_source source = {
		.fd = *tree_fd,
		.path = root->path,
		.field = PATH,
		.code = CODE,
		.attributes = CLOSED,
		.directory = true,
	};
	int fd = -1;
	enum fault_code code;

	if (root->tree == NULL || !apart_wanted(apart->plan))
		return FAULT_NONE;
	code = apart_stage(apart, &source, &fd, fault);
	if (code != FAULT_NONE)
		return apart_share(apart, &source, fault) ? FAULT_NONE : code;
	(void)close(*tree_fd);
	*tree_fd = fd;
	return FAULT_NONE;
}

enum fault_code root_tree(struct apart *apart, int image_fd, struct fault *fault)
{
	const struct plan_root *root = &apart->plan->root;
	int tree_fd = root->tree != NULL ? open_tree_top(root) : place_image(image_fd);
	enum fault_code code;

	if (tree_fd < 0)
		return fault_set_errno(fault, CODE, errno, PATH,
				       errno == ESTALE ? "%s is not what it was when the run began"
						       : "cannot open the root %s",
				       root->path);
	code = set_apart(apart, &tree_fd, fault);
	if (code == FAULT_NONE)
		code = add_entries(apart->root, tree_fd, fault);
	(void)close(tree_fd);
	return code;
}
