/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/artifact/initramfs.h"

#include "stages/artifact/expand.h"
#include "stages/artifact/image_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CODE	   FAULT_RUN_INIT
#define PATH	   "artifact.initramfs"
#define INIT_MAX   ((size_t)64 << 20)
#define MODULE_MAX ((size_t)64 << 20)
#define NAME_SIZE  160
#define HEADER	   110
#define CONSOLE	   5, 1

struct cpio {
	struct image_file file;
	unsigned inode;
};

static enum fault_code pad(struct cpio *cpio, struct fault *fault)
{
	static const char zeros[4];
	size_t over = cpio->file.bytes % 4;

	return over == 0 ? FAULT_NONE : image_file_add(&cpio->file, zeros, 4 - over, fault);
}

static enum fault_code add(struct cpio *cpio, const char *name, mode_t mode, const void *data,
			   size_t len, struct fault *fault)
{
	static const unsigned none[] = {0, 0}, console[] = {CONSOLE};
	const unsigned *device = S_ISCHR(mode) ? console : none;
	char header[HEADER + NAME_SIZE];
	int head_len = snprintf(header, sizeof header,
				"070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s",
				++cpio->inode, (unsigned)mode, 0U, 0U, 1U, 0U, (unsigned)len, 0U,
				0U, device[0], device[1], (unsigned)strlen(name) + 1, 0U, name);
	enum fault_code code;

	if (head_len >= (int)sizeof header)
		return fault_set(fault, CODE, PATH, "the name %s is too long", name);
	code = image_file_add(&cpio->file, header, (size_t)head_len + 1, fault);
	if (code == FAULT_NONE)
		code = pad(cpio, fault);
	if (code == FAULT_NONE && len > 0)
		code = image_file_add(&cpio->file, data, len, fault);
	return code == FAULT_NONE ? pad(cpio, fault) : code;
}

static enum fault_code add_init(struct cpio *cpio, int init_fd, struct fault *fault)
{
	uint8_t *data;
	size_t len;
	enum fault_code code = image_file_read(init_fd, "sr-init", INIT_MAX, &data, &len, fault);

	if (code == FAULT_NONE)
		code = add(cpio, "init", S_IFREG | 0755, data, len, fault);
	free(data);
	return code;
}

/* The kernel reads no compressed module that the guest's init hands it, so it is unpacked here. */
static enum fault_code unpacked(uint8_t **data, size_t *len, const char *name, struct fault *fault)
{
	uint8_t *out;
	size_t out_len;
	enum fault_code code;

	if (expand_identify(*data, *len) == EXPAND_NONE)
		return FAULT_NONE;
	code = expand(*data, *len, name, MODULE_MAX, &out, &out_len, fault);
	if (code != FAULT_NONE)
		return code;
	free(*data);
	*data = out;
	*len = out_len;
	return FAULT_NONE;
}

static enum fault_code add_module(struct cpio *cpio, int modules_fd, const char *path,
				  struct fault *fault)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
	int fd = (int)syscall(SYS_openat2, modules_fd, path, &how, sizeof how);
	char own[NAME_SIZE - 16], name[NAME_SIZE];
	uint8_t *data = NULL;
	size_t len = 0;
	enum fault_code code;

	modules_name(path, own, sizeof own);
	(void)snprintf(name, sizeof name, "modules/%s", own);
	if (fd < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "the module %s", path);
	code = image_file_read(fd, own, MODULE_MAX, &data, &len, fault);
	(void)close(fd);
	if (code == FAULT_NONE)
		code = unpacked(&data, &len, own, fault);
	if (code == FAULT_NONE)
		code = add(cpio, name, S_IFREG | 0644, data, len, fault);
	free(data);
	return code;
}

static enum fault_code add_order(struct cpio *cpio, const struct modules *modules,
				 struct fault *fault)
{
	char order[MODULES_MAX * NAME_SIZE];
	size_t len = 0;

	for (size_t i = 0; i < modules->count; i++) {
		char name[NAME_SIZE - 16];

		modules_name(modules->paths[i], name, sizeof name);
		len += (size_t)snprintf(order + len, sizeof order - len, "%s\n", name);
	}
	return add(cpio, "modules/order", S_IFREG | 0644, order, len, fault);
}

static enum fault_code add_all(struct cpio *cpio, int init_fd, int modules_fd,
			       const struct modules *modules, struct fault *fault)
{
	enum fault_code code = add(cpio, "dev", S_IFDIR | 0755, NULL, 0, fault);

	if (code == FAULT_NONE)
		code = add(cpio, "dev/console", S_IFCHR | 0600, NULL, 0, fault);
	if (code == FAULT_NONE)
		code = add_init(cpio, init_fd, fault);
	if (code == FAULT_NONE)
		code = add(cpio, "modules", S_IFDIR | 0755, NULL, 0, fault);
	for (size_t i = 0; code == FAULT_NONE && i < modules->count; i++)
		code = add_module(cpio, modules_fd, modules->paths[i], fault);
	if (code == FAULT_NONE)
		code = add_order(cpio, modules, fault);
	cpio->inode = UINT32_MAX;
	return code == FAULT_NONE ? add(cpio, "TRAILER!!!", 0, NULL, 0, fault) : code;
}

enum fault_code initramfs_write(int out_fd, int init_fd, int modules_fd,
				const struct modules *modules, struct json_object **entry,
				struct fault *fault)
{
	struct cpio cpio = {.inode = 0};
	enum fault_code code = image_file_begin(&cpio.file, out_fd, INITRAMFS_NAME, fault);

	if (code == FAULT_NONE)
		code = add_all(&cpio, init_fd, modules_fd, modules, fault);
	if (code == FAULT_NONE)
		return image_file_end(&cpio.file, entry, fault);
	image_file_release(&cpio.file);
	return code;
}
