/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A manifest of artifacts on any bytes, beside three small files that the seeds know: what is taken
 * for a machine is a file below the directory with the hash that was promised.
 */
#include "stages/machine/manifest.h"

#include "ipc/object.h"
#include "stages/seal/digest.h"

#include <fcntl.h>
#include <json-c/json.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static char directory[] = "/tmp/safe-run-fuzz-manifest.XXXXXX";
static int dir_fd = -1;

static void require(int holds)
{
	if (!holds)
		abort();
}

static void put(const char *name, const void *data, size_t len)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	require(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	close(fd);
}

static void clean(void)
{
	static const char *const names[] = {"manifest.json", "kernel", "initramfs", "root", "link"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		(void)unlinkat(dir_fd, names[i], 0);
	(void)rmdir(directory);
}

/* A root is known by its first bytes, and by nothing else. */
static void begin(void)
{
	uint8_t root[2048] = {'h', 's', 'q', 's'};

	require(mkdtemp(directory) != NULL && digest_prewarm() == 0);
	dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put("kernel", "kernel", 6);
	put("initramfs", "initramfs", 9);
	put("root", root, sizeof root);
	require(symlinkat("/etc/passwd", dir_fd, "link") == 0);
	atexit(clean);
}

static void look_at(struct json_object *answer)
{
	static const char *const parts[] = {"initramfs", "kernel"};
	struct json_object *files = json_object_object_get(answer, "files");

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		struct json_object *file = json_object_object_get(files, parts[i]);
		const char *name = json_object_get_string(json_object_object_get(file, "name"));

		require(name != NULL && faccessat(dir_fd, name, F_OK, 0) == 0 &&
			strchr(name, '/') != name && strcmp(name, "link") != 0);
		require(digest_text_valid(
			json_object_get_string(json_object_object_get(file, "hash"))));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fault fault;

	if (dir_fd < 0)
		begin();
	put("manifest.json", data, len);
	for (int how = 0; how < 4; how++) {
		struct json_object *answer OBJECT_CLEANUP = object_new();

		if (manifest_examine(dir_fd, how % 2 == 0, how < 2, "bzImage", answer, &fault) ==
		    FAULT_NONE)
			look_at(answer);
		else
			require(fault.message[0] != '\0');
	}
	return 0;
}
