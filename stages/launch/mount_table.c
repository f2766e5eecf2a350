/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/mount_table.h"

#include "ipc/buf.h"
#include "stages/launch/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_FIRST ((size_t)32 << 10)
#define TEXT_MAX   ((size_t)4 << 20)

/* Each try from the start, since the kernel's answer to a second read may be another's. */
static ssize_t read_text(int proc_fd, char **text)
{
	for (size_t size = TEXT_FIRST;; size = TEXT_MAX) {
		int fd = openat(proc_fd, "self/mountinfo", O_RDONLY | O_CLOEXEC);
		ssize_t len;

		if (fd < 0)
			return -1;
		*text = malloc(size);
		if (*text == NULL)
			buf_no_memory();
		len = text_file_read_fd(fd, *text, size);
		(void)close(fd);
		if (len >= 0)
			return len;
		free(*text);
		*text = NULL;
		if (errno != EFBIG || size == TEXT_MAX)
			return -1;
	}
}

static int parse(struct mount_table *table)
{
	char *rest = table->text;
	size_t lines = 0;
	int got;

	for (const char *at = rest; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	table->mounts = calloc(lines + 1, sizeof *table->mounts);
	if (table->mounts == NULL)
		buf_no_memory();
	while (table->count < lines &&
	       (got = mountinfo_next(&rest, &table->mounts[table->count])) != 0) {
		if (got < 0) {
			errno = EBADMSG;
			return -1;
		}
		table->count++;
	}
	return 0;
}

int mount_table_read(struct mount_table *table, int proc_fd)
{
	*table = (struct mount_table){.text = NULL};
	if (read_text(proc_fd, &table->text) < 0)
		return -1;
	if (parse(table) == 0)
		return 0;
	mount_table_release(table);
	errno = EBADMSG;
	return -1;
}

void mount_table_release(struct mount_table *table)
{
	free(table->mounts);
	free(table->text);
	*table = (struct mount_table){.text = NULL};
}

const struct mountinfo *mount_table_of(const struct mount_table *table, int fd)
{
	struct statx info;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &info) < 0)
		return NULL;
	for (size_t i = 0; (info.stx_mask & STATX_MNT_ID) != 0 && i < table->count; i++)
		if (table->mounts[i].id == info.stx_mnt_id)
			return &table->mounts[i];
	errno = ESTALE;
	return NULL;
}
