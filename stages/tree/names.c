/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/tree/names.h"

#include "ipc/buf.h"
#include "ipc/sort.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE 32768 /* what one getdents64(2) fills */

static void *grown(void *memory, size_t *size, size_t first, size_t item)
{
	size_t wanted = *size == 0 ? first : *size * 2;

	memory = reallocarray(memory, wanted, item);
	if (memory == NULL)
		buf_no_memory();
	*size = wanted;
	return memory;
}

static void keep(struct names *names, const char *name)
{
	size_t size = strlen(name) + 1;

	while (size > names->text_size - names->text_len)
		names->text = grown(names->text, &names->text_size, 4096, 1);
	if (names->count == names->size)
		names->offsets = grown(names->offsets, &names->size, 64, sizeof *names->offsets);
	memcpy(names->text + names->text_len, name, size);
	names->offsets[names->count++] = names->text_len;
	names->text_len += size;
}

static int compare(const void *left, const void *right, void *context)
{
	const char *text = context;

	return strcmp(text + *(const size_t *)left, text + *(const size_t *)right);
}

static int take_block(struct names *names, char *block, size_t len, size_t max)
{
	for (size_t at = 0; at < len;) {
		struct dirent64 *entry = (struct dirent64 *)(void *)(block + at);

		at += entry->d_reclen;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (names->count == max) {
			errno = EFBIG;
			return -1;
		}
		keep(names, entry->d_name);
	}
	return 0;
}

int names_read(int dir_fd, size_t max, struct names *names)
{
	char *block = malloc(BLOCK_SIZE);
	ssize_t len;
	int result = 0;

	*names = (struct names){.text = NULL};
	if (block == NULL)
		buf_no_memory();
	while (result == 0 && (len = getdents64(dir_fd, block, BLOCK_SIZE)) != 0)
		result = len < 0 ? -1 : take_block(names, block, (size_t)len, max);
	int error_number = errno;

	free(block);
	if (result == 0)
		sort_items(names->offsets, names->count, sizeof *names->offsets, compare,
			   names->text);
	errno = error_number;
	return result;
}

const char *names_at(const struct names *names, size_t index)
{
	return names->text + names->offsets[index];
}

void names_release(struct names *names)
{
	free(names->text);
	free(names->offsets);
	*names = (struct names){.text = NULL};
}
