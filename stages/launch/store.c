/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/store.h"

#include "ipc/canon.h"
#include "ipc/event.h"
#include "ipc/object.h"
#include "ipc/record.h"
#include "stages/launch/rootfs.h"
#include "stages/launch/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CODE	      FAULT_RUN_LAUNCH
#define PATH	      "launch.root.store"
#define LOOK_AGAIN_MS 20
#define MANIFEST_MAX  4096
#define WORK	      "work"
#define UNPACK	      WORK "/unpack"
#define ENTRY	      WORK "/entry"
#define NAME_SIZE     (sizeof "volumes//manifest" + DIGEST_TEXT_SIZE)

static enum fault_code failed(int error_number, const char *what, struct fault *fault)
{
	return fault_set_errno(fault, CODE, error_number, PATH, "the store of images: %s", what);
}

enum fault_code store_check(int store_fd, struct fault *fault)
{
	struct stat info;

	if (store_fd < 0)
		return fault_set(
			fault, FAULT_HOST_LACKS, PATH,
			"there is no store for images: HOME is not set, SAFE_RUN_STORE is no "
			"absolute path, or sr-launch was started without --store-fd");
	if (fstat(store_fd, &info) < 0)
		return failed(errno, "cannot be looked at", fault);
	if (!S_ISDIR(info.st_mode) || info.st_uid != geteuid() ||
	    (info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return fault_set(fault, CODE, PATH,
				 "the store of images must be a directory of user %u's own that "
				 "nobody else can write to: what is in it is run without being "
				 "unpacked again",
				 geteuid());
	return FAULT_NONE;
}

static int open_below(int dir_fd, const char *path, unsigned flags)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC | O_NOFOLLOW,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof how);
}

static void name_of(const struct store_entry *entry, const char *member, char name[NAME_SIZE])
{
	const char *directory = entry->volume ? "volumes" : entry->image ? "images" : "trees";

	(void)snprintf(name, NAME_SIZE, "%s/%s%s%s", directory, entry->key + strlen("sha256:"),
		       member[0] != '\0' ? "/" : "", member);
}

/* For gc, which takes what nobody used for a while. One that cannot be told is only taken earlier. */
static void note_use(int store_fd, const struct store_entry *entry)
{
	char name[NAME_SIZE];

	name_of(entry, "", name);
	(void)!utimensat(store_fd, name, NULL, AT_SYMLINK_NOFOLLOW);
}

enum fault_code store_find(int store_fd, const struct store_entry *entry, int *fd,
			   struct fault *fault)
{
	char name[NAME_SIZE];
	struct stat info;

	bool file = entry->image || entry->volume;

	name_of(entry, entry->volume ? "image" : entry->image ? "" : "root", name);
	*fd = open_below(store_fd, name, file ? O_RDONLY : O_PATH | O_DIRECTORY);
	if (*fd < 0 && errno == ENOENT)
		return FAULT_NONE;
	if (*fd < 0)
		return failed(errno, name, fault);
	if (entry->volume)
		note_use(store_fd, entry);
	if (fstat(*fd, &info) == 0 && info.st_uid == geteuid() &&
	    (!file || (S_ISREG(info.st_mode) && (info.st_mode & 0222) == 0)))
		return FAULT_NONE;
	(void)close(*fd);
	*fd = -1;
	return fault_set(fault, CODE, PATH,
			 "%s in the store of images is not as safe-run made it: remove it", name);
}

enum fault_code store_read_manifest(int store_fd, const struct store_entry *entry,
				    struct json_object **record, struct fault *fault)
{
	char name[NAME_SIZE], text[MANIFEST_MAX];
	ssize_t len = -1;
	int fd;

	name_of(entry, "manifest", name);
	fd = open_below(store_fd, name, O_RDONLY);
	if (fd >= 0)
		len = read(fd, text, sizeof text);
	int error_number = errno;

	(void)close(fd);
	if (len <= 0 || (size_t)len == sizeof text)
		return failed(len < 0 ? error_number : EIO, name, fault);
	return canon_parse(text, (size_t)len, CODE, record, fault);
}

enum fault_code store_lock(int store_fd, int interrupt_fd, int *lock_fd, struct fault *fault)
{
	uint64_t deadline_ns = event_boot_ns() + ROOTFS_TIME_S * 1000000000ULL;
	struct pollfd interrupt = {.fd = interrupt_fd, .events = POLLIN};

	*lock_fd = openat(store_fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*lock_fd < 0)
		return failed(errno, "cannot open its lock", fault);
	while (flock(*lock_fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return failed(errno, "cannot lock it", fault);
		/* flock(2) alone would not see the caller's signal, which is read, not taken. */
		if (poll(&interrupt, 1, LOOK_AGAIN_MS) > 0)
			return fault_set(fault, CODE, PATH,
					 "a signal ended the run while another one unpacked");
		if (event_boot_ns() > deadline_ns)
			return fault_set(fault, CODE, PATH, "another run is still unpacking");
	}
	return FAULT_NONE;
}

static int make_directory(int store_fd, const char *name)
{
	return mkdirat(store_fd, name, 0700) < 0 && errno != EEXIST ? -1 : 0;
}

enum fault_code store_begin(const struct launch *launch, int *unpack_fd, struct fault *fault)
{
	int fd = launch->store_fd;

	/* Whoever had the lock before may have been killed: nobody else is in there now. */
	store_clear(launch);
	if (make_directory(fd, "images") < 0 || make_directory(fd, "trees") < 0 ||
	    make_directory(fd, "volumes") < 0 || mkdirat(fd, WORK, 0700) < 0 ||
	    mkdirat(fd, UNPACK, 0700) < 0 || mkdirat(fd, ENTRY, 0700) < 0)
		return failed(errno, "cannot make a directory in it", fault);
	*unpack_fd = open_below(fd, UNPACK, O_RDONLY | O_DIRECTORY);
	return *unpack_fd < 0 ? failed(errno, "cannot open its work directory", fault) : FAULT_NONE;
}

static int write_manifest(int store_fd, struct json_object *record)
{
	struct buf text BUF_CLEANUP;
	struct fault fault;
	int fd, result = -1;

	buf_init(&text, MANIFEST_MAX - 1);
	fd = openat(store_fd, ENTRY "/manifest",
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
	if (fd >= 0 && canon_write(record, &text, CODE, &fault) == FAULT_NONE && !text.overflowed)
		result = record_write_all(fd, text.data, text.len);
	(void)close(fd);
	return result;
}

enum fault_code store_publish(int store_fd, const struct store_entry *entry,
			      struct json_object *record, struct fault *fault)
{
	const char *part = entry->volume ? "image" : "root";
	char name[NAME_SIZE], from[sizeof UNPACK "/image"], to[sizeof ENTRY "/image"];
	struct stat info;

	/* A VMM opens its volume as a user of its own; on the host nobody gets below the store. */
	(void)snprintf(from, sizeof from, UNPACK "/%s", part);
	(void)snprintf(to, sizeof to, ENTRY "/%s", part);
	if ((entry->image || entry->volume) &&
	    (fstatat(store_fd, UNPACK "/image", &info, AT_SYMLINK_NOFOLLOW) < 0 ||
	     !S_ISREG(info.st_mode) || info.st_nlink != 1 ||
	     fchmodat(store_fd, UNPACK "/image", entry->volume ? 0444 : 0400, 0) < 0))
		return failed(errno, "the image that was copied is no file of its own", fault);
	if (!entry->image &&
	    (write_manifest(store_fd, record) < 0 || renameat(store_fd, from, store_fd, to) < 0))
		return failed(errno, "cannot put an entry together", fault);
	/* Before the name: after a power cut an entry is whole or not there. */
	if (syncfs(store_fd) < 0)
		return failed(errno, "cannot be written to the disk", fault);
	name_of(entry, "", name);
	if (renameat(store_fd, entry->image ? UNPACK "/image" : ENTRY, store_fd, name) < 0)
		return failed(errno, "cannot name an entry", fault);
	return FAULT_NONE;
}

/*
 * A tree of whatever names and depth is removed by the assistant that made it. What cannot be
 * removed now is tried again by the next one, and keeps it from beginning until then.
 */
void store_clear(const struct launch *launch)
{
	struct json_object *record OBJECT_CLEANUP = NULL;
	int work_fd = open_below(launch->store_fd, WORK, O_RDONLY | O_DIRECTORY);
	struct assistant_plan plan;
	struct fault fault;

	if (work_fd < 0)
		return;
	rootfs_assistant(launch, "sr-unpack", PATH, &plan);
	plan.interrupt_fd = -1;
	plan.fds[plan.fd_count++] = (struct assistant_fd){"--work-fd", work_fd};
	plan.words[plan.word_count++] = "--clear";
	if (rootfs_ask(&plan, &record, &fault) == FAULT_NONE)
		(void)unlinkat(launch->store_fd, WORK, AT_REMOVEDIR);
	(void)close(work_fd);
}
