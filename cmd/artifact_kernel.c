/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/artifact_kernel.h"

#include "cmd/artifact_tool.h"

#include <errno.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CODE	    FAULT_RUN_INIT
#define PATH	    "artifact.kernel"
#define DEB	    "deb:"
#define IMAGE_START "linux-image-"
#define BOOT_IMAGE  "/boot/vmlinuz-"
#define NAME_CHARS  "abcdefghijklmnopqrstuvwxyz0123456789+-."
#define DEPENDS_MAX 8192

static enum fault_code put(char *out, size_t size, const char *text, struct fault *fault)
{
	if ((size_t)snprintf(out, size, "%s", text) < size)
		return FAULT_NONE;
	return fault_set(fault, CODE, PATH, "a path is too long");
}

/* The one file a pattern names; only ever a pattern of ours below a directory of ours. */
static enum fault_code find_one(const char *directory, const char *pattern, char *out, size_t size,
				struct fault *fault)
{
	char path[PATH_MAX];
	glob_t found = {0};
	enum fault_code code;

	(void)snprintf(path, sizeof path, "%s/%s", directory, pattern);
	if (glob(path, GLOB_NOSORT, NULL, &found) == 0 && found.gl_pathc == 1)
		code = put(out, size, found.gl_pathv[0], fault);
	else
		code = fault_set(fault, CODE, PATH, "there is not one %s in the package", pattern);
	globfree(&found);
	return code;
}

static enum fault_code fetch(const char *package, const char *work, char *deb, size_t size,
			     struct fault *fault)
{
	const char *const argv[] = {"apt-get", "-q", "download", package, NULL};
	char pattern[256];
	enum fault_code code;

	artifact_tell("fetching the package %s", package);
	code = artifact_tool(argv, work, "apt", fault);
	(void)snprintf(pattern, sizeof pattern, "%s_*.deb", package);
	return code == FAULT_NONE ? find_one(work, pattern, deb, size, fault) : code;
}

/* The first linux-image-* of a Depends field, "name (= version), name | name". */
static bool first_image(char *depends, char *out, size_t size)
{
	char *rest = depends;

	for (char *item = strsep(&rest, ",|"); item != NULL; item = strsep(&rest, ",|")) {
		size_t len;

		item += strspn(item, " \n");
		len = strspn(item, NAME_CHARS);
		if (strncmp(item, IMAGE_START, strlen(IMAGE_START)) == 0 && len < size) {
			(void)snprintf(out, size, "%.*s", (int)len, item);
			return true;
		}
	}
	return false;
}

/* A metapackage holds nothing: what it depends on does. */
static enum fault_code follow_metapackage(const char *work, char *deb, size_t size,
					  struct fault *fault)
{
	const char *const argv[] = {"dpkg-deb", "-f", deb, "Depends", NULL};
	char depends[DEPENDS_MAX], name[200], file[PATH_MAX];
	enum fault_code code = artifact_tool_read(argv, "dpkg", depends, sizeof depends, fault);

	if (code != FAULT_NONE || !first_image(depends, name, sizeof name))
		return code;
	code = fetch(name, work, file, sizeof file, fault);
	return code == FAULT_NONE ? put(deb, size, file, fault) : code;
}

static enum fault_code unpack(const char *deb, const char *work, struct artifact_kernel *found,
			      struct fault *fault)
{
	char tree[PATH_MAX], modules[PATH_MAX];
	const char *const argv[] = {"dpkg-deb", "-x", deb, tree, NULL};
	const char *const depmod[] = {"depmod", "-b", tree, found->release, NULL};
	const char *name;
	enum fault_code code;

	(void)snprintf(tree, sizeof tree, "%.4000s/package", work);
	artifact_tell("unpacking %s", deb);
	code = artifact_tool(argv, NULL, "dpkg", fault);
	if (code == FAULT_NONE)
		code = find_one(tree, "boot/vmlinuz-*", found->image, sizeof found->image, fault);
	if (code == FAULT_NONE)
		code = find_one(tree, "lib/modules/*", modules, sizeof modules, fault);
	if (code != FAULT_NONE)
		return code;
	name = strrchr(modules, '/') + 1;
	(void)snprintf(found->release, sizeof found->release, "%.127s", name);
	code = put(found->modules, sizeof found->modules, modules, fault);
	return code == FAULT_NONE ? artifact_tool(depmod, NULL, "kmod", fault) : code;
}

static enum fault_code from_package(const char *package, const char *work,
				    struct artifact_kernel *found, struct fault *fault)
{
	char deb[PATH_MAX];
	enum fault_code code;

	if (package[0] == '\0' || package[0] == '-' ||
	    strspn(package, NAME_CHARS) != strlen(package))
		return fault_set(fault, CODE, PATH, "%s is no name of a package", package);
	code = fetch(package, work, deb, sizeof deb, fault);
	if (code == FAULT_NONE)
		code = follow_metapackage(work, deb, sizeof deb, fault);
	return code == FAULT_NONE ? unpack(deb, work, found, fault) : code;
}

static enum fault_code from_file(const char *kernel, const char *modules,
				 struct artifact_kernel *found, struct fault *fault)
{
	char guess[PATH_MAX], real[PATH_MAX];
	const char *release;

	if (modules == NULL && strncmp(kernel, BOOT_IMAGE, strlen(BOOT_IMAGE)) == 0) {
		(void)snprintf(guess, sizeof guess, "/lib/modules/%.3000s",
			       kernel + strlen(BOOT_IMAGE));
		modules = guess;
	}
	if (modules == NULL)
		return fault_set(fault, CODE, PATH,
				 "where are the modules of %s? Name their directory with --modules",
				 kernel);
	if (realpath(modules, real) == NULL)
		return fault_set_errno(fault, CODE, errno, PATH, "%s", modules);
	release = strrchr(real, '/') + 1;
	(void)snprintf(found->release, sizeof found->release, "%.127s", release);
	if (put(found->modules, sizeof found->modules, real, fault) != FAULT_NONE)
		return fault->code;
	return put(found->image, sizeof found->image, kernel, fault);
}

enum fault_code artifact_kernel_find(const char *kernel, const char *modules, const char *work,
				     struct artifact_kernel *found, struct fault *fault)
{
	const char *dot = strrchr(kernel, '.');
	char deb[PATH_MAX];

	if (strncmp(kernel, DEB, strlen(DEB)) == 0)
		return from_package(kernel + strlen(DEB), work, found, fault);
	if (dot == NULL || strcmp(dot, ".deb") != 0)
		return from_file(kernel, modules, found, fault);
	if (realpath(kernel, deb) == NULL)
		return fault_set_errno(fault, CODE, errno, PATH, "%s", kernel);
	return unpack(deb, work, found, fault);
}
