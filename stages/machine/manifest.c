/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/machine/manifest.h"

#include "ipc/canon.h"
#include "ipc/field.h"
#include "ipc/object.h"
#include "stages/machine/file.h"
#include "stages/seal/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CODE	     FAULT_RUN_LAUNCH
#define PATH	     "launch.machine.artifacts"
#define MANIFEST_MAX ((size_t)32 << 10)
#define NAME_MAX_LEN 255

static int open_below(int dir_fd, const char *name)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			   RESOLVE_NO_XDEV,
	};

	return (int)syscall(SYS_openat2, dir_fd, name, &how, sizeof how);
}

static enum fault_code read_manifest(int dir_fd, struct json_object **manifest, struct fault *fault)
{
	char text[MANIFEST_MAX];
	int fd = open_below(dir_fd, "manifest.json");
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof text);
	int error_number = errno;

	(void)close(fd);
	if (len < 0)
		return fault_set_errno(fault, FAULT_HOST_LACKS, error_number, PATH,
				       "manifest.json cannot be read: make the directory with "
				       "safe-run artifact build");
	if (len > 0 && text[len - 1] == '\n')
		len--;
	if ((size_t)len >= sizeof text - 1)
		return fault_set(fault, CODE, PATH, "manifest.json is longer than 32 KiB");
	return canon_parse(text, (size_t)len, CODE, manifest, fault);
}

static enum fault_code as_promised(struct fields *entry, struct json_object *record,
				   const char *place, struct fault *fault)
{
	struct json_object *hash = NULL, *size = NULL;
	const char *promised = "";
	int64_t bytes = 0;
	enum fault_code code = fields_string(entry, "sha256", &promised, fault);

	if (code == FAULT_NONE)
		code = fields_integer(entry, "bytes", 1, CANON_INTEGER_MAX, &bytes, fault);
	if (code != FAULT_NONE)
		return code;
	(void)json_object_object_get_ex(record, "hash", &hash);
	(void)json_object_object_get_ex(record, "bytes", &size);
	if (hash == NULL && json_object_get_int64(size) == bytes && digest_text_valid(promised)) {
		json_object_object_del(record, "hash");
		object_add_string(record, "hash", promised);
		return FAULT_NONE;
	}
	if (hash != NULL && json_object_get_int64(size) == bytes &&
	    strcmp(json_object_get_string(hash), promised) == 0)
		return FAULT_NONE;
	return fault_set(fault, CODE, place,
			 "is not the file the manifest was written for: make the artifacts anew "
			 "(safe-run artifact build)");
}

static enum fault_code examine_file(struct fields *files, int dir_fd, const char *name, bool root,
				    bool hashed, struct json_object **record, struct fault *fault)
{
	struct fields entry;
	struct json_object *ignored = NULL;
	const char *path = "";
	char place[FAULT_PATH_SIZE];
	int fd;
	enum fault_code code = fields_enter(files, name, &entry, fault);

	if (code == FAULT_NONE)
		code = fields_string(&entry, "path", &path, fault);
	if (code == FAULT_NONE && fields_has(&entry, "format"))
		code = fields_any(&entry, "format", &ignored, fault);
	if (code == FAULT_NONE && (path[0] == '\0' || strlen(path) > NAME_MAX_LEN))
		code = fault_set(fault, CODE, PATH, "%s has no usable path", name);
	if (code != FAULT_NONE)
		return code;
	(void)snprintf(place, sizeof place, PATH ".%s", name);
	fd = open_below(dir_fd, path);
	if (fd < 0)
		return fault_set_errno(fault, CODE, errno, place, "cannot open %s", path);
	code = root ? file_describe_root(fd, place, hashed, record, fault)
		    : file_describe(fd, place, hashed, record, fault);
	(void)close(fd);
	if (code == FAULT_NONE)
		code = as_promised(&entry, *record, place, fault);
	if (code == FAULT_NONE)
		object_add_string(*record, "name", path);
	return code;
}

static enum fault_code examine_files(struct fields *files, int dir_fd, bool wants_root, bool hashed,
				     const char *kernel, struct json_object *answer,
				     struct fault *fault)
{
	const struct {
		const char *name, *entry;
	} parts[] = {{"initramfs", "initramfs"}, {"kernel", kernel}, {"rootfs", "rootfs"}};
	struct json_object *described OBJECT_CLEANUP = object_new();

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		struct json_object *record OBJECT_CLEANUP = NULL;
		bool root = strcmp(parts[i].name, "rootfs") == 0;
		enum fault_code code;

		if (root && !wants_root)
			continue;
		code = examine_file(files, dir_fd, parts[i].entry, root, hashed, &record, fault);
		if (code != FAULT_NONE)
			return code;
		object_add(described, parts[i].name, object_take(&record));
	}
	object_add(answer, "files", object_take(&described));
	return FAULT_NONE;
}

enum fault_code manifest_examine(int dir_fd, bool wants_root, bool hashed, const char *kernel,
				 struct json_object *answer, struct fault *fault)
{
	struct json_object *manifest OBJECT_CLEANUP = NULL;
	struct json_object *modules = NULL, *arch = NULL;
	struct fields top, files, build;
	const char *release = "";
	enum fault_code code = read_manifest(dir_fd, &manifest, fault);

	if (code == FAULT_NONE)
		code = fields_open(&top, manifest, PATH, CODE, fault);
	if (code == FAULT_NONE)
		code = fields_literal(&top, "schemaVersion", "safe-run.machine-artifacts/v1",
				      fault);
	if (code == FAULT_NONE)
		code = fields_any(&top, "arch", &arch, fault);
	if (code == FAULT_NONE)
		code = fields_any(&top, "modules", &modules, fault);
	if (code == FAULT_NONE)
		code = fields_enter(&top, "kernel", &build, fault);
	if (code == FAULT_NONE)
		code = fields_string(&build, "release", &release, fault);
	if (code == FAULT_NONE)
		code = fields_enter(&top, "files", &files, fault);
	if (code == FAULT_NONE)
		code = examine_files(&files, dir_fd, wants_root, hashed, kernel, answer, fault);
	if (code == FAULT_NONE)
		object_add_escaped(answer, "kernelRelease", release, strlen(release));
	return code;
}
