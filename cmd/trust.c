/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/trust.h"

#include "ipc/canon.h"
#include "ipc/event.h"
#include "ipc/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRY_MAX    ((size_t)4 << 10)
#define PARTIAL_NAME ".entry.partial"
#define BELOW	     "/safe-run/trust.d"

static bool own_directory(char out[PATH_MAX])
{
	const char *config = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");

	if (config != NULL && config[0] == '/')
		return (size_t)snprintf(out, PATH_MAX, "%s" BELOW, config) < PATH_MAX;
	if (home == NULL || home[0] != '/')
		return false;
	return (size_t)snprintf(out, PATH_MAX, "%s/.config" BELOW, home) < PATH_MAX;
}

/* One that may not be looked at is there: the verifier says so, and misses no revocation in it. */
static bool may_be_there(const char *path)
{
	return access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

void trust_find(struct trust_directories *found)
{
	char *path = found->paths[0];

	found->count = 0;
	snprintf(path, PATH_MAX, "%s", TRUST_DIRECTORY_ROOT);
	if (may_be_there(path))
		found->count++;
	path = found->paths[found->count];
	if (own_directory(path) && may_be_there(path))
		found->count++;
}

static void make_parents(const char *path)
{
	char part[PATH_MAX];

	for (size_t i = 1; path[i] != '\0' && i < sizeof(part); i++) {
		if (path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		(void)mkdir(part, 0755); /* what cannot be made is missed below */
	}
}

enum fault_code trust_open(const char *given, int *fd, struct fault *fault)
{
	char path[PATH_MAX];
	mode_t before;

	if (given != NULL)
		snprintf(path, sizeof(path), "%s", given);
	else if (geteuid() == 0)
		snprintf(path, sizeof(path), "%s", TRUST_DIRECTORY_ROOT);
	else if (!own_directory(path))
		return fault_set(fault, FAULT_REPORT_SIGNATURE, "trust",
				 "there is no trust directory of yours: HOME is not set; give "
				 "--trust-dir DIR");
	before = umask(022); /* verifiers of other accounts are to read it */
	make_parents(path);
	(void)mkdir(path, 0755);
	umask(before);
	*fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*fd < 0)
		return fault_set_errno(fault, FAULT_REPORT_SIGNATURE, errno, "trust",
				       "cannot open the trust directory '%s'", path);
	/* Until it is closed: one entry after the other, and none between its reading and writing.
	 */
	while (flock(*fd, LOCK_EX) != 0)
		if (errno != EINTR)
			return fault_set_errno(fault, FAULT_REPORT_SIGNATURE, errno, "trust",
					       "cannot lock the trust directory '%s'", path);
	return FAULT_NONE;
}

static void entry_name(const char *keyid, char out[NAME_MAX])
{
	snprintf(out, NAME_MAX, "%.64s.json", keyid);
}

static enum fault_code write_partial(int directory_fd, const struct buf *text, struct fault *fault)
{
	int fd = openat(directory_fd, PARTIAL_NAME,
			O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool done;

	if (fd < 0)
		return fault_set_errno(fault, FAULT_REPORT_SIGNATURE, errno, "trust",
				       "cannot write into the trust directory");
	done = fchmod(fd, 0644) == 0 && record_write_all(fd, text->data, text->len) == 0 &&
	       fsync(fd) == 0;
	done = close(fd) == 0 && done;
	if (done)
		return FAULT_NONE;
	return fault_set_errno(fault, FAULT_REPORT_SIGNATURE, errno, "trust",
			       "cannot write into the trust directory");
}

enum fault_code trust_write(int directory_fd, const char *keyid, struct json_object *entry,
			    struct fault *fault)
{
	struct buf text BUF_CLEANUP;
	char name[NAME_MAX];

	buf_init(&text, ENTRY_MAX);
	entry_name(keyid, name);
	if (canon_write(entry, &text, FAULT_REPORT_SIGNATURE, fault) != FAULT_NONE ||
	    write_partial(directory_fd, &text, fault) != FAULT_NONE)
		return fault->code;
	if (renameat(directory_fd, PARTIAL_NAME, directory_fd, name) == 0 &&
	    fsync(directory_fd) == 0)
		return FAULT_NONE;
	return fault_set_errno(fault, FAULT_REPORT_SIGNATURE, errno, "trust", "'%s'", name);
}

enum fault_code trust_read(int directory_fd, const char *keyid, struct json_object **entry,
			   struct fault *fault)
{
	char name[NAME_MAX], text[ENTRY_MAX];
	ssize_t len;
	int fd;

	entry_name(keyid, name);
	fd = openat(directory_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return fault_set_errno(fault, FAULT_REPORT_SIGNATURE, errno, "trust",
				       "no entry '%s' in the trust directory", name);
	len = read(fd, text, sizeof(text));
	close(fd);
	if (len <= 0)
		return fault_set(fault, FAULT_REPORT_SIGNATURE, "trust", "'%s' is empty", name);
	return canon_parse(text, (size_t)len, FAULT_REPORT_SIGNATURE, entry, fault);
}

bool trust_time(const char *text, char out[sizeof("2026-01-01T00:00:00.000000000Z")])
{
	bool date = strlen(text) == sizeof("2026-01-01") - 1;

	snprintf(out, EVENT_TIMESTAMP_SIZE, "%s%s", text, date ? "T00:00:00.000000000Z" : "");
	return strlen(text) < EVENT_TIMESTAMP_SIZE && event_timestamp_valid(out);
}
