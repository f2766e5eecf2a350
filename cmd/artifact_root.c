/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/artifact_root.h"

#include "cmd/artifact_tool.h"
#include "cmd/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE	    FAULT_RUN_INIT
#define PATH	    "artifact.rootfs"
#define OCI	    "oci:"
#define DEBOOTSTRAP "debootstrap:"
#define SUITE_CHARS "abcdefghijklmnopqrstuvwxyz0123456789-"

/* An image's own name must not differ from build to build; no meaning is in it. */
#define IMAGE_UUID "5afe0000-0000-4000-8000-000000000001"

static bool starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

enum fault_code artifact_root_check(const char *rootfs, struct fault *fault)
{
	const char *suite = rootfs + strlen(DEBOOTSTRAP);
	struct stat info;

	if (starts(rootfs, DEBOOTSTRAP)) {
		if (suite[0] == '\0' || suite[0] == '-' ||
		    strspn(suite, SUITE_CHARS) != strlen(suite))
			return fault_set(fault, CODE, PATH, "%s is no suite of Debian's", suite);
		if (geteuid() != 0)
			return fault_set(fault, FAULT_HOST_LACKS, PATH,
					 "debootstrap needs root: run this with sudo, or give a "
					 "directory");
		return FAULT_NONE;
	}
	if (starts(rootfs, OCI))
		rootfs += strlen(OCI);
	if (stat(rootfs, &info) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "%s", rootfs);
	return FAULT_NONE;
}

static enum fault_code bootstrap(const char *suite, const char *tree, struct fault *fault)
{
	const char *const argv[] = {"debootstrap", "--variant=minbase", suite, tree, NULL};

	artifact_tell("installing a minimal %s, which takes minutes", suite);
	return artifact_tool(argv, NULL, "debootstrap", fault);
}

/* sr-unpack takes the two kinds by two options. */
static enum fault_code unpack(const char *path, const char *tree, const struct spawn_home *home,
			      struct fault *fault)
{
	int image_fd = open(path, O_RDONLY | O_CLOEXEC);
	int work_fd = mkdir(tree, 0700) < 0 ? -1 : open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum fault_code code = FAULT_NONE;
	struct spawn spawn;
	struct stat info;

	if (image_fd < 0 || work_fd < 0 || fstat(image_fd, &info) < 0) {
		code = fault_set_errno(fault, CODE, errno, PATH, "cannot open %s", path);
	} else {
		artifact_tell("unpacking %s", path);
		spawn_begin(&spawn, "sr-unpack", STDIN_FILENO, STDERR_FILENO);
		spawn_fd(&spawn, S_ISDIR(info.st_mode) ? "--layout-fd" : "--file-fd", image_fd);
		spawn_fd(&spawn, "--work-fd", work_fd);
		if (spawn_and_wait(&spawn, home) != VERB_DONE)
			code = fault_set(fault, CODE, PATH, "%s cannot be unpacked, see above",
					 path);
	}
	(void)close(image_fd);
	(void)close(work_fd);
	return code;
}

static enum fault_code make_image(const char *tree, const char *image, struct fault *fault)
{
	const char *const argv[] = {"mkfs.erofs",    "--quiet", "-T0", "-x-1", "--all-root",
				    "-U" IMAGE_UUID, image,	tree,  NULL};
	struct stat info;

	if (stat(tree, &info) < 0 || !S_ISDIR(info.st_mode))
		return fault_set_errno(fault, CODE, errno != 0 ? errno : ENOTDIR, PATH,
				       "%s must be a directory", tree);
	artifact_tell("making an image of %s", tree);
	return artifact_tool(argv, NULL, "erofs-utils", fault);
}

enum fault_code artifact_root_make(const char *rootfs, const char *work, const char *image,
				   const struct spawn_home *home, struct fault *fault)
{
	char tree[PATH_MAX], root[PATH_MAX];
	enum fault_code code;

	(void)snprintf(tree, sizeof tree, "%.4000s/root", work);
	if (starts(rootfs, DEBOOTSTRAP)) {
		code = bootstrap(rootfs + strlen(DEBOOTSTRAP), tree, fault);
		return code == FAULT_NONE ? make_image(tree, image, fault) : code;
	}
	if (!starts(rootfs, OCI))
		return make_image(rootfs, image, fault);
	code = unpack(rootfs + strlen(OCI), tree, home, fault);
	(void)snprintf(root, sizeof root, "%.4060s/root", tree);
	return code == FAULT_NONE ? make_image(root, image, fault) : code;
}
