/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/jail/place.h"

#include "ipc/canon.h"
#include "ipc/record.h"
#include "stages/jail/base.h"
#include "stages/jail/image.h"
#include "stages/jail/snapshot.h"
#include "stages/jail/tree.h"
#include "stages/launch/descriptor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE	    FAULT_RUN_LAUNCH
#define PATH	    "launch.jail"
#define OPEN_DIR    (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define CONFIG_SIZE ((size_t)64 << 10)

void place_init(struct place *place)
{
	*place = (struct place){.base_fd = -1, .id_fd = -1, .root_fd = -1, .sockets_fd = -1};
}

static uid_t owner_at(int base_fd, const char *id, const char *below)
{
	char path[300];
	struct stat info;

	if (snprintf(path, sizeof path, "%s/%s", id, below) >= (int)sizeof path ||
	    fstatat(base_fd, path, &info, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return info.st_uid;
}

/*
 * Whose jail this is; 0 when nobody's. Its top once jailer has given it away, which the machine cannot
 * rename; before that the directory in it that is the machine's, which then nobody can.
 */
static uid_t owner_of(int base_fd, const char *id)
{
	uid_t uid = owner_at(base_fd, id, "root");

	return uid != 0 ? uid : owner_at(base_fd, id, "root/" PLACE_SOCKETS);
}

static int uid_taken(int base_fd, uid_t uid)
{
	int list_fd = openat(base_fd, ".", OPEN_DIR);
	DIR *dir = list_fd < 0 ? NULL : fdopendir(list_fd);
	const struct dirent *entry;
	int taken = 0;

	if (dir == NULL)
		return -1;
	while (taken == 0 && (entry = readdir(dir)) != NULL)
		taken = entry->d_name[0] != '.' && owner_of(base_fd, entry->d_name) == uid;
	(void)closedir(dir);
	return taken;
}

/* Under the base's lock: what this finds free stays so until the jail is made. */
static enum fault_code choose_uid(struct place *place, uid_t wanted, struct fault *fault)
{
	for (uid_t i = 0; i <= REQUEST_UID_MASK; i++) {
		uid_t uid = REQUEST_UID_BASE | ((wanted + i) & REQUEST_UID_MASK);
		int taken = uid_taken(place->base_fd, uid);

		if (taken < 0)
			return fault_set_errno(fault, CODE, errno, PATH, "cannot read " JAIL_BASE);
		if (taken == 0) {
			place->uid = uid;
			return FAULT_NONE;
		}
	}
	return fault_set(fault, CODE, PATH, "each user there is for machines has one");
}

static enum fault_code write_config(const struct place *place, const struct request *request,
				    struct fault *fault)
{
	struct buf text BUF_CLEANUP;
	enum fault_code code;
	int fd;

	buf_init(&text, CONFIG_SIZE);
	code = canon_write(request->config, &text, CODE, fault);
	if (code != FAULT_NONE)
		return code;
	fd = openat(place->root_fd, PLACE_CONFIG,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
	if (fd < 0 || text.overflowed || record_write_all(fd, text.data, text.len) < 0 ||
	    fchmod(fd, 0444) < 0)
		code = fault_set_errno(fault, CODE, errno, PATH,
				       "cannot write Firecracker's configuration");
	if (fd >= 0)
		(void)close(fd);
	return code;
}

static int make_dir(int parent_fd, const char *name)
{
	if (mkdirat(parent_fd, name, 0700) < 0)
		return -1;
	return openat(parent_fd, name, OPEN_DIR);
}

static enum fault_code make_dirs(struct place *place, const char *id, struct fault *fault)
{
	place->id_fd = make_dir(place->base_fd, id);
	if (place->id_fd >= 0)
		place->id = id;
	if (place->id_fd < 0 || flock(place->id_fd, LOCK_EX | LOCK_NB) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot make the jail of %s", id);
	place->root_fd = make_dir(place->id_fd, "root");
	if (place->root_fd >= 0)
		place->sockets_fd = make_dir(place->root_fd, PLACE_SOCKETS);
	if (place->sockets_fd < 0 || fchown(place->sockets_fd, place->uid, place->uid) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot make the jail of %s", id);
	return FAULT_NONE;
}

static enum fault_code fill(struct place *place, const struct request *request, struct fault *fault)
{
	enum fault_code code = write_config(place, request, fault);

	for (size_t i = 0; code == FAULT_NONE && i < request->file_count; i++)
		code = image_place(place->base_fd, place->root_fd, &request->files[i], fault);
	if (code == FAULT_NONE && request->snapshot != NULL)
		code = snapshot_place(place, request->snapshot, fault);
	return code;
}

enum fault_code place_make(struct place *place, const struct request *request, struct fault *fault)
{
	char bad[64];
	enum fault_code code;

	place->base_fd = base_open(true, bad, sizeof bad);
	if (place->base_fd < 0 && errno == EPERM)
		return fault_set(fault, CODE, PATH,
				 "%s must belong to root and be writable for nobody else: jailer "
				 "writes there as root",
				 bad);
	if (place->base_fd < 0 || flock(place->base_fd, LOCK_EX) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot open %s", bad);
	code = choose_uid(place, request->uid, fault);
	if (code == FAULT_NONE)
		code = make_dirs(place, request->id, fault);
	(void)flock(place->base_fd, LOCK_UN);
	return code == FAULT_NONE ? fill(place, request, fault) : code;
}

int place_remove(struct place *place)
{
	int result = place->id == NULL ? 0 : tree_remove(place->base_fd, place->id);
	int error_number = errno;

	descriptor_close(&place->sockets_fd);
	descriptor_close(&place->root_fd);
	descriptor_close(&place->id_fd);
	descriptor_close(&place->base_fd);
	place->id = NULL;
	errno = error_number;
	return result;
}
