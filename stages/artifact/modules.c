/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/artifact/modules.h"

#include "stages/artifact/image_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CODE FAULT_RUN_INIT
#define PATH "artifact.modules"

static const char *const wanted[] = {
	"virtio_mmio",
	"virtio_pci",
	"virtio_blk",
	"virtio_console",
	"virtio-rng",
	"virtio_net",
	"erofs",
	"squashfs",
	"overlay",
	"ext4",
	"vmw_vsock_virtio_transport",
};

void modules_name(const char *path, char *out, size_t size)
{
	const char *slash = strrchr(path, '/');
	char *ending;

	(void)snprintf(out, size, "%s", slash != NULL ? slash + 1 : path);
	ending = strstr(out, ".ko");
	if (ending != NULL)
		ending[3] = '\0';
}

static bool is_called(const char *path, const char *name)
{
	char own[128];
	size_t len = strlen(name);

	modules_name(path, own, sizeof own);
	return strncmp(own, name, len) == 0 && strcmp(own + len, ".ko") == 0;
}

static enum fault_code add(struct modules *modules, const char *path, struct fault *fault)
{
	for (size_t i = 0; i < modules->count; i++)
		if (strcmp(modules->paths[i], path) == 0)
			return FAULT_NONE;
	if (modules->count == MODULES_MAX)
		return fault_set(fault, CODE, PATH, "more than %d modules are needed", MODULES_MAX);
	modules->paths[modules->count++] = path;
	return FAULT_NONE;
}

/* "path: dep dep", of which the last is loaded first. line is cut into its words. */
static enum fault_code add_line(struct modules *modules, char *line, struct fault *fault)
{
	const char *words[MODULES_MAX];
	size_t count = 0;
	enum fault_code code = FAULT_NONE;
	char *rest = line;

	for (char *word = strsep(&rest, " "); word != NULL; word = strsep(&rest, " "))
		if (*word != '\0' && count < MODULES_MAX)
			words[count++] = word;
	while (code == FAULT_NONE && count > 0)
		code = add(modules, words[--count], fault);
	return code;
}

enum fault_code modules_select(int modules_fd, struct modules *modules, struct fault *fault)
{
	int fd = openat(modules_fd, "modules.dep", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char *lines[sizeof wanted / sizeof wanted[0]] = {NULL};
	uint8_t *data = NULL;
	size_t len = 0;
	enum fault_code code;

	*modules = (struct modules){.count = 0};
	if (fd < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "modules.dep of the kernel");
	code = image_file_read(fd, "modules.dep", MODULES_DEP_MAX, &data, &len, fault);
	(void)close(fd);
	if (code != FAULT_NONE)
		return code;
	modules->dep = (char *)data;
	modules->dep[len - 1] = '\0';
	for (char *rest = modules->dep, *line = strsep(&rest, "\n"); line != NULL;
	     line = strsep(&rest, "\n")) {
		char *colon = strchr(line, ':');

		if (colon == NULL)
			continue;
		*colon = '\0';
		for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
			if (is_called(line, wanted[i]))
				lines[i] = line;
		*colon = ' ';
	}
	for (size_t i = 0; code == FAULT_NONE && i < sizeof wanted / sizeof wanted[0]; i++)
		if (lines[i] != NULL)
			code = add_line(modules, lines[i], fault);
	return code;
}

void modules_release(struct modules *modules)
{
	free(modules->dep);
	*modules = (struct modules){.count = 0};
}
