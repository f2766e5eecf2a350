/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/collect/batch.h"

#include "ipc/buf.h"
#include "ipc/sort.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_SIZE ((size_t)32 << 10)

void batch_init(struct batch *batch, size_t capacity)
{
	*batch = (struct batch){.capacity = capacity};
	/* Pages are taken as names come. */
	batch->names = malloc(capacity * sizeof(*batch->names));
	batch->order = malloc(capacity * sizeof(*batch->order));
	if (batch->names == NULL || batch->order == NULL)
		buf_no_memory();
}

void batch_release(struct batch *batch)
{
	free(batch->names);
	free(batch->order);
	*batch = (struct batch){.names = NULL};
}

const char *batch_name(const struct batch *batch, size_t index)
{
	return batch->names[batch->order[index]];
}

static bool after_of(const struct batch *batch, size_t left, size_t right)
{
	return strcmp(batch_name(batch, left), batch_name(batch, right)) > 0;
}

static void swap(struct batch *batch, size_t left, size_t right)
{
	uint32_t kept = batch->order[left];

	batch->order[left] = batch->order[right];
	batch->order[right] = kept;
}

/* The greatest name is at the top: the one that goes when a lesser comes. */
static void sift_up(struct batch *batch, size_t at)
{
	for (; at > 0 && after_of(batch, at, (at - 1) / 2); at = (at - 1) / 2)
		swap(batch, at, (at - 1) / 2);
}

static void sift_down(struct batch *batch)
{
	size_t at = 0;

	for (;;) {
		size_t greatest = at;

		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < batch->count;
		     child++)
			if (after_of(batch, child, greatest))
				greatest = child;
		if (greatest == at)
			return;
		swap(batch, at, greatest);
		at = greatest;
	}
}

static void offer(struct batch *batch, const char *name, size_t len)
{
	if (batch->count < batch->capacity) {
		batch->order[batch->count] = (uint32_t)batch->count;
		memcpy(batch->names[batch->count], name, len + 1);
		sift_up(batch, batch->count++);
		return;
	}
	batch->more = true;
	if (strcmp(name, batch_name(batch, 0)) >= 0)
		return;
	memcpy(batch->names[batch->order[0]], name, len + 1);
	sift_down(batch);
}

static int take_entries(struct batch *batch, const char *data, size_t len, const char *after)
{
	for (size_t at = 0; at < len;) {
		/* The kernel aligns entries to eight bytes. */
		const struct dirent64 *entry = (const struct dirent64 *)(const void *)(data + at);
		const char *name = entry->d_name;
		size_t name_len = strlen(name);

		at += entry->d_reclen;
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, after) <= 0)
			continue;
		if (name_len >= BATCH_NAME_SIZE) {
			errno = ENAMETOOLONG;
			return -1;
		}
		offer(batch, name, name_len);
	}
	return 0;
}

static int compare(const void *left, const void *right, void *context)
{
	const struct batch *batch = context;

	return strcmp(batch->names[*(const uint32_t *)left],
		      batch->names[*(const uint32_t *)right]);
}

int batch_read(struct batch *batch, int dir_fd, const char *after)
{
	_Alignas(struct dirent64) char data[READ_SIZE];
	ssize_t len;

	batch->count = 0;
	batch->more = false;
	if (lseek(dir_fd, 0, SEEK_SET) < 0)
		return -1;
	while ((len = getdents64(dir_fd, data, sizeof data)) > 0)
		if (take_entries(batch, data, (size_t)len, after) < 0)
			return -1;
	if (len < 0)
		return -1;
	sort_items(batch->order, batch->count, sizeof(*batch->order), compare, batch);
	return 0;
}
