/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-artifact: puts together what microVMs are started from.
 *
 * PURPOSE  Make of a kernel, its modules, sr-init and a root image that is there already the
 *          directory `safe-run run --isolation microvm` takes, and hash all of it.
 * READS    the kernel of --kernel-fd, modules below --modules-fd, sr-init of --init-fd.
 * WRITES   bzImage, vmlinux, initramfs.img and manifest.json below --out-fd; the manifest on stdout.
 * HOLDS    the caller's uid; no capability.
 * FILTER   sandbox/filters/artifact.filter; Landlock: reads below the modules, reads and makes files
 *          below the one directory.
 * REFUSES  a kernel that is no bzImage, whose release is not that of the modules, or that does not
 *          unpack within its bounds.
 * WHY NOT  in the front-end: decompressors are no place to be the caller with all his rights.
 */
#include "stages/artifact/image_file.h"
#include "stages/artifact/initramfs.h"
#include "stages/artifact/kernel.h"
#include "stages/artifact/modules.h"

#include "ipc/object.h"
#include "sandbox/landlock.h"
#include "stages/stage.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#define CODE	FAULT_RUN_INIT
#define READING (SANDBOX_FS_READ_FILE | SANDBOX_FS_READ_DIR)
#define ROOTFS	"rootfs.erofs"

enum option {
	OPTION_KERNEL_FD,
	OPTION_MODULES_FD,
	OPTION_INIT_FD,
	OPTION_OUT_FD,
	OPTION_RELEASE,
	OPTION_SOURCE,
	OPTION_COUNT
};

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_KERNEL_FD] = {"kernel-fd", STAGE_OPTION_FD, 0, 0, "N", "the kernel, a bzImage"},
	[OPTION_MODULES_FD] = {"modules-fd", STAGE_OPTION_FD, 0, 0, "N",
			       "its directory of modules, with modules.dep"},
	[OPTION_INIT_FD] = {"init-fd", STAGE_OPTION_FD, 0, 0, "N", "sr-init"},
	[OPTION_OUT_FD] = {"out-fd", STAGE_OPTION_FD, 0, 0, "N",
			   "the directory to fill, with " ROOTFS " in it"},
	[OPTION_RELEASE] = {"release", STAGE_OPTION_TEXT, 0, 0, "TEXT",
			    "what the modules' directory is called"},
	[OPTION_SOURCE] = {"source", STAGE_OPTION_TEXT, 0, 0, "TEXT",
			   "where the kernel is from, for the manifest"},
};

struct artifact {
	uint8_t *kernel;
	size_t kernel_len;
	struct modules modules;
	char release[KERNEL_RELEASE_MAX];
};

static enum stage_exit artifact_open(struct stage_context *context)
{
	const struct stage_value *values = context->values;

	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (!values[i].given) {
			stage_complain(context->stage, "--%s is needed", options[i].name);
			return STAGE_USAGE;
		}
	context->fd_rules[context->fd_rule_count++] = (struct sandbox_fd_rule){
		.fd = values[OPTION_MODULES_FD].fd, .landlock_access = READING};
	context->fd_rules[context->fd_rule_count++] = (struct sandbox_fd_rule){
		.fd = values[OPTION_OUT_FD].fd,
		.landlock_access = READING | SANDBOX_FS_WRITE_FILE | SANDBOX_FS_MAKE_REG};
	return STAGE_DONE;
}

static enum stage_exit artifact_prewarm(struct stage_context *context)
{
	(void)context;
	return digest_prewarm() == 0 ? STAGE_DONE : STAGE_FAILED;
}

static enum fault_code write_file(int out_fd, const char *name, const void *data, size_t len,
				  struct json_object *files, struct fault *fault)
{
	struct image_file file;
	struct json_object *entry = NULL;
	enum fault_code code = image_file_begin(&file, out_fd, name, fault);

	if (code == FAULT_NONE)
		code = image_file_add(&file, data, len, fault);
	if (code == FAULT_NONE)
		code = image_file_end(&file, &entry, fault);
	else
		image_file_release(&file);
	if (code == FAULT_NONE && files != NULL)
		object_add(files, name, entry);
	else
		object_release(&entry);
	return code;
}

static enum fault_code take_kernel(struct artifact *artifact, const struct stage_value *values,
				   struct json_object *files, struct fault *fault)
{
	int out_fd = values[OPTION_OUT_FD].fd;
	uint8_t *vmlinux = NULL;
	size_t vmlinux_len = 0;
	enum fault_code code =
		image_file_read(values[OPTION_KERNEL_FD].fd, "the kernel", KERNEL_MAX,
				&artifact->kernel, &artifact->kernel_len, fault);

	if (code == FAULT_NONE)
		code = kernel_release(artifact->kernel, artifact->kernel_len, artifact->release,
				      fault);
	if (code == FAULT_NONE && strcmp(artifact->release, values[OPTION_RELEASE].text) != 0)
		code = fault_set(fault, CODE, "artifact.modules",
				 "the kernel is %s, its modules are of %s", artifact->release,
				 values[OPTION_RELEASE].text);
	if (code == FAULT_NONE)
		code = kernel_expand(artifact->kernel, artifact->kernel_len, &vmlinux, &vmlinux_len,
				     fault);
	if (code == FAULT_NONE)
		code = write_file(out_fd, "bzImage", artifact->kernel, artifact->kernel_len, files,
				  fault);
	if (code == FAULT_NONE)
		code = write_file(out_fd, "vmlinux", vmlinux, vmlinux_len, files, fault);
	free(vmlinux);
	return code;
}

static enum fault_code take_initramfs(struct artifact *artifact, const struct stage_value *values,
				      struct json_object *files, struct fault *fault)
{
	struct json_object *entry = NULL;
	int modules_fd = values[OPTION_MODULES_FD].fd;
	enum fault_code code = modules_select(modules_fd, &artifact->modules, fault);

	if (code == FAULT_NONE)
		code = initramfs_write(values[OPTION_OUT_FD].fd, values[OPTION_INIT_FD].fd,
				       modules_fd, &artifact->modules, &entry, fault);
	if (code == FAULT_NONE)
		object_add(files, "initramfs", entry);
	return code;
}

static enum fault_code take_rootfs(int out_fd, struct json_object *files, struct fault *fault)
{
	struct json_object *entry = NULL;
	enum fault_code code = image_file_describe(out_fd, ROOTFS, &entry, fault);

	if (code != FAULT_NONE)
		return code;
	object_add_string(entry, "format", "erofs");
	object_add(files, "rootfs", entry);
	return FAULT_NONE;
}

static struct json_object *make_manifest(const struct artifact *artifact, const char *source,
					 struct json_object *files)
{
	struct json_object *manifest = object_new();
	struct json_object *kernel = object_new();
	struct json_object *modules = array_new();

	for (size_t i = 0; i < artifact->modules.count; i++) {
		char name[128];

		modules_name(artifact->modules.paths[i], name, sizeof name);
		array_append_string(modules, name);
	}
	object_add_string(kernel, "release", artifact->release);
	object_add_escaped(kernel, "source", source, strlen(source));
	object_add_string(manifest, "arch", "x86_64");
	object_add_shared(manifest, "files", files);
	object_add(manifest, "kernel", kernel);
	object_add(manifest, "modules", modules);
	object_add_string(manifest, "schemaVersion", "safe-run.machine-artifacts/v1");
	return manifest;
}

static enum fault_code build(struct stage_context *context, struct artifact *artifact,
			     struct fault *fault)
{
	const struct stage_value *values = context->values;
	struct json_object *files OBJECT_CLEANUP = object_new();
	struct json_object *manifest OBJECT_CLEANUP = NULL;
	struct buf text BUF_CLEANUP;
	enum fault_code code = take_kernel(artifact, values, files, fault);

	buf_init(&text, RECORD_EVENT_MAX);
	if (code == FAULT_NONE)
		code = take_initramfs(artifact, values, files, fault);
	if (code == FAULT_NONE)
		code = take_rootfs(values[OPTION_OUT_FD].fd, files, fault);
	if (code != FAULT_NONE)
		return code;
	manifest = make_manifest(artifact, values[OPTION_SOURCE].text, files);
	code = record_format(manifest, &text, fault);
	if (code == FAULT_NONE)
		code = write_file(values[OPTION_OUT_FD].fd, "manifest.json", text.data, text.len,
				  NULL, fault);
	return code == FAULT_NONE ? record_send_lines(&context->out, text.data, text.len, fault)
				  : code;
}

static enum stage_exit artifact_run(struct stage_context *context)
{
	struct artifact artifact = {.kernel = NULL};
	struct fault fault;
	enum fault_code code = build(context, &artifact, &fault);

	free(artifact.kernel);
	modules_release(&artifact.modules);
	if (code == FAULT_NONE)
		return STAGE_DONE;
	stage_complain(context->stage, "%s: %s", fault.path, fault.message);
	return STAGE_REFUSED;
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "sr-artifact",
		.summary = "put together what microVMs are started from",
		.profile = &sandbox_profile_artifact,
		.options = options,
		.option_count = OPTION_COUNT,
		.hashes = true,
		.open = artifact_open,
		.prewarm = artifact_prewarm,
		.run = artifact_run,
	};

	return stage_main(&stage, NULL, argc, argv);
}
