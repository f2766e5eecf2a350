/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/deposit/store.h"

#include "ipc/buf.h"
#include "stages/deposit/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CODE FAULT_RUN_INIT
#define PATH "deposit.store"

void store_init(struct store *store, int dir_fd)
{
	*store = (struct store){.dir_fd = dir_fd, .parent_fd = -1, .digest = digest_new()};
	store->block = malloc(COPY_BLOCK);
	if (store->block == NULL)
		buf_no_memory();
}

void store_release(struct store *store)
{
	digest_free(store->digest);
	free(store->block);
	if (store->parent_fd >= 0)
		(void)close(store->parent_fd);
	store->parent_fd = -1;
}

static int open_directory(int dir_fd, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			   RESOLVE_NO_XDEV,
	};

	return (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
}

/* All of path as directories, those that lack made. */
static int make_all(int dir_fd, const char *path)
{
	char part[ENTRY_PATH_SIZE];
	size_t len = 0;

	do {
		len += strcspn(path + len, "/");
		memcpy(part, path, len);
		part[len] = '\0';
		if (mkdirat(dir_fd, part, 0700) < 0 && errno != EEXIST)
			return -1;
	} while (path[len++] == '/');
	return 0;
}

static int switch_parent(struct store *store, const char *path, size_t len)
{
	if (store->parent_fd >= 0)
		(void)close(store->parent_fd);
	memcpy(store->parent, path, len);
	store->parent[len] = '\0';
	store->parent_fd = open_directory(store->dir_fd, len > 0 ? store->parent : ".");
	if (store->parent_fd < 0 && errno == ENOENT && make_all(store->dir_fd, store->parent) == 0)
		store->parent_fd = open_directory(store->dir_fd, store->parent);
	return store->parent_fd;
}

/* The directory path lies in, and its last name. Entries of one directory come together. */
static int find_parent(struct store *store, const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash != NULL ? (size_t)(slash - path) : 0;

	*name = slash != NULL ? slash + 1 : path;
	if (store->parent_fd >= 0 && strlen(store->parent) == len &&
	    memcmp(store->parent, path, len) == 0)
		return store->parent_fd;
	return switch_parent(store, path, len);
}

static enum fault_code failed(const struct entry *entry, struct fault *fault)
{
	return fault_set_errno(fault, CODE, errno, PATH, "cannot store %s", entry->path);
}

enum fault_code store_directory(struct store *store, const struct entry *entry, struct fault *fault)
{
	const char *name;
	int parent_fd;

	if (strcmp(entry->path, ".") == 0)
		return FAULT_NONE;
	parent_fd = find_parent(store, entry->path, &name);
	if (parent_fd < 0 || (mkdirat(parent_fd, name, 0700) < 0 && errno != EEXIST))
		return failed(entry, fault);
	return FAULT_NONE;
}

enum fault_code store_file(struct store *store, const struct entry *entry,
			   char hash[DIGEST_TEXT_SIZE], struct fault *fault)
{
	const char *name = "";
	int parent_fd = find_parent(store, entry->path, &name);
	int fd = parent_fd < 0 ? -1
			       : openat(parent_fd, name,
					O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
					entry->executable ? 0700 : 0600);
	uint8_t value[DIGEST_SIZE];
	int result, error_number;

	if (fd < 0)
		return failed(entry, fault);
	digest_reset(store->digest);
	result = copy_file(entry->fd, fd, entry->size, store->digest, store->block);
	error_number = errno;
	if (close(fd) < 0 && result == 0) {
		result = -1;
		error_number = errno;
	}
	if (result < 0) {
		/* Half a file is worse than none: it would have a name and no hash. */
		(void)!unlinkat(parent_fd, name, 0);
		errno = error_number;
		return failed(entry, fault);
	}
	digest_value(store->digest, value);
	digest_text(value, hash);
	return FAULT_NONE;
}
