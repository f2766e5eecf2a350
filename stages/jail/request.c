/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/jail/request.h"

#include "ipc/canon.h"
#include "ipc/field.h"
#include "ipc/object.h"
#include "ipc/runid.h"
#include "stages/seal/digest.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CODE	  FAULT_RUN_LAUNCH
#define PATH	  "jail.request"
#define PATH_SIZE 4096
#define LOWER	  "abcdefghijklmnopqrstuvwxyz"
#define UPPER	  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS	  "0123456789"

static bool only(const char *text, const char *allowed, size_t max)
{
	size_t len = strlen(text);

	return len > 0 && len <= max && strspn(text, allowed) == len;
}

/* Components that are names, and each of them there: no "", ".", "..". */
static bool components(const char *path)
{
	for (const char *at = path; at != NULL;) {
		size_t len = strcspn(at, "/");

		if (len == 0 || (len == 1 && at[0] == '.') ||
		    (len == 2 && at[0] == '.' && at[1] == '.'))
			return false;
		at = at[len] == '/' ? at + len + 1 : NULL;
	}
	return true;
}

static bool path_clean(const char *path)
{
	return path[0] == '/' && strlen(path) < PATH_SIZE && components(path + 1);
}

static bool ends_in(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL && strcmp(slash + 1, name) == 0;
}

/* Names a jail may have at its top, none of them jailer's own: dev, run, old_root, firecracker. */
static bool name_known(const char *name)
{
	static const char *const known[] = {"initrd", "rootfs.img", "vmlinux"};
	size_t digits;

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strcmp(name, known[i]) == 0)
			return true;
	if (strncmp(name, "mount_", 6) != 0)
		return false;
	digits = strspn(name + 6, DIGITS);
	return digits > 0 && digits <= 2 && strcmp(name + 6 + digits, ".img") == 0;
}

static bool setting_known(const char *file, const char *value)
{
	static const char *const known[] = {"cpu.cfs_period_us", "cpu.cfs_quota_us", "cpu.max",
					    "memory.max"};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strcmp(file, known[i]) == 0)
			return only(value, DIGITS " ", 48);
	return false;
}

static enum fault_code wrong(struct fault *fault, const char *name)
{
	return fault_set(fault, CODE, PATH, "%s is not what it may be", name);
}

static enum fault_code read_decimal(struct fields *fields, const char *name, uint64_t *out,
				    struct fault *fault)
{
	const char *text = "";
	enum fault_code code = fields_string(fields, name, &text, fault);

	if (code != FAULT_NONE)
		return code;
	if (!only(text, DIGITS, 20))
		return wrong(fault, name);
	errno = 0;
	*out = strtoull(text, NULL, 10);
	return errno == 0 ? FAULT_NONE : wrong(fault, name);
}

static enum fault_code read_source(struct fields *fields, struct request_file *file,
				   struct fault *fault)
{
	enum fault_code code = fields_string(fields, "source", &file->source, fault);

	if (code == FAULT_NONE && !path_clean(file->source))
		code = wrong(fault, "source");
	if (code == FAULT_NONE)
		code = read_decimal(fields, "device", &file->device, fault);
	if (code == FAULT_NONE)
		code = read_decimal(fields, "inode", &file->inode, fault);
	return code == FAULT_NONE ? fields_close(fields, fault) : code;
}

static enum fault_code read_program(struct fields *top, const char *name, struct request_file *file,
				    struct fault *fault)
{
	struct fields fields;
	enum fault_code code = fields_enter(top, name, &fields, fault);

	if (code == FAULT_NONE)
		code = read_source(&fields, file, fault);
	if (code == FAULT_NONE && !ends_in(file->source, name))
		code = wrong(fault, name);
	file->name = name;
	return code;
}

static enum fault_code read_files(struct fields *top, struct request *request, struct fault *fault)
{
	struct json_object *array = NULL;
	enum fault_code code = fields_array(top, "files", REQUEST_FILE_MAX, &array, fault);

	for (size_t i = 0; code == FAULT_NONE && i < json_object_array_length(array); i++) {
		struct request_file *file = &request->files[i];
		struct fields fields;

		code = fields_open(&fields, json_object_array_get_idx(array, i), PATH ".files",
				   CODE, fault);
		if (code == FAULT_NONE)
			code = fields_string(&fields, "name", &file->name, fault);
		if (code == FAULT_NONE && !name_known(file->name))
			code = wrong(fault, "files.name");
		if (code == FAULT_NONE)
			code = fields_string(&fields, "hash", &file->hash, fault);
		if (code == FAULT_NONE && !digest_text_valid(file->hash))
			code = wrong(fault, "files.hash");
		if (code == FAULT_NONE)
			code = read_source(&fields, file, fault);
		request->file_count = i + 1;
	}
	return code;
}

static enum fault_code read_settings(struct fields *cgroup, struct request *request,
				     struct fault *fault)
{
	struct json_object *array = NULL;
	enum fault_code code = fields_array(cgroup, "settings", REQUEST_SETTING_MAX, &array, fault);

	for (size_t i = 0; code == FAULT_NONE && i < json_object_array_length(array); i++) {
		struct request_setting *setting = &request->settings[i];
		struct fields fields;

		code = fields_open(&fields, json_object_array_get_idx(array, i),
				   PATH ".cgroup.settings", CODE, fault);
		if (code == FAULT_NONE)
			code = fields_string(&fields, "file", &setting->file, fault);
		if (code == FAULT_NONE)
			code = fields_string(&fields, "value", &setting->value, fault);
		if (code == FAULT_NONE && !setting_known(setting->file, setting->value))
			code = wrong(fault, "cgroup.settings");
		if (code == FAULT_NONE)
			code = fields_close(&fields, fault);
		request->setting_count = i + 1;
	}
	return code;
}

static enum fault_code read_cgroup(struct fields *top, struct request *request, struct fault *fault)
{
	struct fields cgroup;
	enum fault_code code;

	if (fields_null(top, "cgroup"))
		return FAULT_NONE;
	code = fields_enter(top, "cgroup", &cgroup, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&cgroup, "version", 1, 2, &request->cgroup_version, fault);
	if (code == FAULT_NONE)
		code = fields_string(&cgroup, "parent", &request->cgroup_parent, fault);
	if (code == FAULT_NONE &&
	    (!only(request->cgroup_parent, LOWER UPPER DIGITS "/_.@:-\\", PATH_SIZE - 1) ||
	     !components(request->cgroup_parent)))
		code = wrong(fault, "cgroup.parent");
	if (code == FAULT_NONE)
		code = read_settings(&cgroup, request, fault);
	return code == FAULT_NONE ? fields_close(&cgroup, fault) : code;
}

static enum fault_code read_identity(struct fields *top, struct request *request,
				     struct fault *fault)
{
	int64_t uid = 0;
	enum fault_code code = fields_string(top, "id", &request->id, fault);

	if (code == FAULT_NONE && !runid_valid(request->id))
		code = wrong(fault, "id");
	if (code == FAULT_NONE)
		code = fields_integer(top, "uid", REQUEST_UID_BASE,
				      REQUEST_UID_BASE | REQUEST_UID_MASK, &uid, fault);
	request->uid = (uid_t)uid;
	return code;
}

static enum fault_code read_snapshot(struct fields *top, struct request *request,
				     struct fault *fault)
{
	enum fault_code code;

	if (fields_null(top, "snapshot"))
		return FAULT_NONE;
	code = fields_string(top, "snapshot", &request->snapshot, fault);
	if (code == FAULT_NONE && !digest_text_valid(request->snapshot))
		code = wrong(fault, "snapshot");
	return code;
}

static enum fault_code read_all(struct fields *top, struct request *request, struct fault *fault)
{
	struct fields limits;
	enum fault_code code =
		fields_literal(top, "schemaVersion", "safe-run.jail-request/v1", fault);

	if (code == FAULT_NONE)
		code = read_identity(top, request, fault);
	if (code == FAULT_NONE)
		code = read_program(top, "jailer", &request->jailer, fault);
	if (code == FAULT_NONE)
		code = read_program(top, "firecracker", &request->firecracker, fault);
	if (code == FAULT_NONE)
		code = read_files(top, request, fault);
	if (code == FAULT_NONE)
		code = fields_any(top, "config", &request->config, fault);
	if (code == FAULT_NONE && !json_object_is_type(request->config, json_type_object))
		code = wrong(fault, "config");
	if (code == FAULT_NONE)
		code = read_cgroup(top, request, fault);
	if (code == FAULT_NONE)
		code = read_snapshot(top, request, fault);
	if (code == FAULT_NONE)
		code = fields_enter(top, "limits", &limits, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&limits, "fsize", 1, INT64_MAX >> 10, &request->fsize, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&limits, "noFile", 64, 65536, &request->no_file, fault);
	if (code == FAULT_NONE)
		code = fields_close(&limits, fault);
	return code == FAULT_NONE ? fields_close(top, fault) : code;
}

enum fault_code request_parse(const char *text, size_t len, struct request *request,
			      struct fault *fault)
{
	struct fields top;
	enum fault_code code;

	*request = (struct request){.root = NULL};
	code = canon_parse(text, len, CODE, &request->root, fault);
	if (code == FAULT_NONE)
		code = fields_open(&top, request->root, PATH, CODE, fault);
	return code == FAULT_NONE ? read_all(&top, request, fault) : code;
}

/* Descriptors of the header's, at most REQUEST_TASKS_MAX: the kernel closes what has no room. */
static size_t take_fds(struct msghdr *header, int fds[REQUEST_TASKS_MAX])
{
	for (struct cmsghdr *item = CMSG_FIRSTHDR(header); item != NULL;
	     item = CMSG_NXTHDR(header, item)) {
		size_t size = item->cmsg_len - CMSG_LEN(0);

		if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS ||
		    size > REQUEST_TASKS_MAX * sizeof(int))
			continue;
		memcpy(fds, CMSG_DATA(item), size);
		return size / sizeof(int);
	}
	return 0;
}

enum fault_code request_receive(int channel_fd, struct request *request, struct fault *fault)
{
	union {
		char bytes[CMSG_SPACE(REQUEST_TASKS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	char *text = malloc(REQUEST_MAX + 1);
	struct iovec vector = {.iov_base = text, .iov_len = REQUEST_MAX + 1};
	struct msghdr header = {.msg_iov = &vector,
				.msg_iovlen = 1,
				.msg_control = &control,
				.msg_controllen = sizeof control};
	int fds[REQUEST_TASKS_MAX];
	size_t count = 0;
	ssize_t len;
	enum fault_code code;

	*request = (struct request){.root = NULL};
	if (text == NULL)
		buf_no_memory();
	do
		len = recvmsg(channel_fd, &header, MSG_CMSG_CLOEXEC);
	while (len < 0 && errno == EINTR);
	if (len > 0)
		count = take_fds(&header, fds);
	if (len <= 0)
		code = fault_set(fault, CODE, PATH, "the launcher ended before it asked");
	else if (len > REQUEST_MAX || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		code = fault_set(fault, CODE, PATH, "is longer than %d bytes", REQUEST_MAX);
	else
		code = request_parse(text, (size_t)len, request, fault);
	memcpy(request->tasks_fds, fds, count * sizeof(int));
	request->tasks_count = count;
	free(text);
	return code;
}

void request_release(struct request *request)
{
	for (size_t i = 0; i < request->tasks_count; i++)
		(void)close(request->tasks_fds[i]);
	request->tasks_count = 0;
	object_release(&request->root);
}
