/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rundir.h"

#include "cmd/descriptor.h"
#include "cmd/rundir_remove.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_DIRECTORY (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0' ? value : NULL;
}

static enum fault_code join(char out[PATH_MAX], const char *head, const char *tail,
			    struct fault *fault)
{
	size_t len = (size_t)snprintf(out, PATH_MAX, "%s%s", head, tail);

	if (len >= PATH_MAX)
		return fault_set_errno(fault, FAULT_RUN_INIT, ENAMETOOLONG, "workdir", "%s", head);
	/* Behind a slash, or a slash and a dot, O_NOFOLLOW would follow the last link. */
	while (len > 1 && (out[len - 1] == '/' || (out[len - 1] == '.' && out[len - 2] == '/')))
		out[--len] = '\0';
	if (len >= 3 && strcmp(out + len - 3, "/..") == 0)
		return fault_set(fault, FAULT_RUN_INIT, "workdir",
				 "'%s' ends in .., which leads through whatever is in front of it; "
				 "name the directory itself",
				 out);
	return FAULT_NONE;
}

enum fault_code rundir_base(const char *option, char base[PATH_MAX], struct fault *fault)
{
	char here[PATH_MAX];
	const char *given = option != NULL ? option : variable(RUNDIR_BASE_VARIABLE);

	if (given != NULL && given[0] == '\0')
		return fault_set(fault, FAULT_RUN_INIT, "workdir",
				 "--workdir is empty; name the directory for run directories");
	if (given != NULL && given[0] == '/')
		return join(base, given, "", fault);
	if (given != NULL) {
		if (getcwd(here, sizeof(here)) == NULL || strlen(here) + 1 >= sizeof(here))
			return fault_set_errno(fault, FAULT_RUN_INIT, errno, "workdir", "getcwd");
		strncat(here, "/", sizeof(here) - strlen(here) - 1);
		return join(base, here, given, fault);
	}
	if (geteuid() == 0)
		return join(base, RUNDIR_BASE_ROOT, "", fault);
	if (variable("XDG_STATE_HOME") != NULL && *variable("XDG_STATE_HOME") == '/')
		return join(base, variable("XDG_STATE_HOME"), "/safe-run/runs", fault);
	if (variable("HOME") != NULL && *variable("HOME") == '/')
		return join(base, variable("HOME"), "/.local/state/safe-run/runs", fault);
	return fault_set(fault, FAULT_RUN_INIT, "workdir",
			 "there is no place for run directories: HOME is not set; give --workdir "
			 "DIR or set " RUNDIR_BASE_VARIABLE);
}

/* mkdir -p; what exists is left as it is. */
static int make_parents(const char *base)
{
	char part[PATH_MAX];
	size_t len = strlen(base);

	for (size_t i = 1; i <= len; i++) {
		if (base[i] != '/' && base[i] != '\0')
			continue;
		memcpy(part, base, i);
		part[i] = '\0';
		if (mkdir(part, 0700) != 0 && errno != EEXIST)
			return -1;
	}
	return 0;
}

/* Where somebody else may rename a directory, a run's could be swapped for another. */
static enum fault_code check_base(const char *base, const struct stat *status, struct fault *fault)
{
	if (status->st_uid != geteuid() && status->st_uid != 0)
		return fault_set(fault, FAULT_RUN_INIT, "workdir",
				 "'%s' belongs to another user (%u), who could put other reports "
				 "in place of yours; give another --workdir",
				 base, (unsigned)status->st_uid);
	if ((status->st_mode & S_IWOTH) != 0 && (status->st_mode & S_ISVTX) == 0)
		return fault_set(
			fault, FAULT_RUN_INIT, "workdir",
			"anybody may write to '%s'; chmod o-w it or give another --workdir", base);
	return FAULT_NONE;
}

static enum fault_code refuse_base(const char *base, int error_number, struct fault *fault)
{
	struct stat status;

	if (lstat(base, &status) == 0 && S_ISLNK(status.st_mode))
		return fault_set(fault, FAULT_RUN_INIT, "workdir",
				 "'%s' is a link, which may lead elsewhere tomorrow; name the "
				 "directory itself",
				 base);
	return fault_set_errno(fault, FAULT_RUN_INIT, error_number, "workdir",
			       "cannot use '%s' for run directories", base);
}

static enum fault_code open_base(const char *base, int *fd, struct fault *fault)
{
	struct stat status;

	*fd = open(base, OPEN_DIRECTORY | O_NOFOLLOW);
	if (*fd < 0 && errno == ENOENT && make_parents(base) == 0)
		*fd = open(base, OPEN_DIRECTORY | O_NOFOLLOW);
	if (*fd < 0 || fstat(*fd, &status) != 0)
		return refuse_base(base, errno, fault);
	return check_base(base, &status, fault);
}

static int make_below(int dir_fd, const char *name)
{
	if (mkdirat(dir_fd, name, 0700) != 0)
		return -1;
	return openat(dir_fd, name, OPEN_DIRECTORY | O_NOFOLLOW);
}

/* Ours, and closed to others: what mkdirat made, and not something put in its place since. */
static int check_owner(int dir_fd)
{
	struct stat status;

	if (fstat(dir_fd, &status) != 0)
		return -1;
	if (status.st_uid == geteuid() && (status.st_mode & 077) == 0)
		return 0;
	errno = EPERM;
	return -1;
}

/* Everything of it, under a name gc passes over; then it appears, locked, under its own. */
static int fill(struct rundir *rundir, int base_fd, const char *early_name)
{
	rundir->dir_fd = make_below(base_fd, early_name);
	if (rundir->dir_fd < 0 || check_owner(rundir->dir_fd) != 0)
		return -1;
	rundir->artifacts_fd = make_below(rundir->dir_fd, "artifacts");
	if (rundir->artifacts_fd < 0 || flock(rundir->artifacts_fd, LOCK_EX | LOCK_NB) != 0)
		return -1;
	rundir->stages_fd = make_below(rundir->dir_fd, "stages");
	if (rundir->stages_fd < 0)
		return -1;
	return renameat(base_fd, early_name, base_fd, rundir->run_id);
}

static enum fault_code make_in(struct rundir *rundir, int base_fd, const char *base,
			       struct fault *fault)
{
	char early_name[sizeof(RUNDIR_EARLY) + RUNID_SIZE];
	int error;

	snprintf(early_name, sizeof(early_name), "%s%s", RUNDIR_EARLY, rundir->run_id);
	if (fill(rundir, base_fd, early_name) == 0) {
		snprintf(rundir->path, sizeof(rundir->path), "%s/%s", base, rundir->run_id);
		return FAULT_NONE;
	}
	error = errno;
	rundir_close(rundir);
	/* What cannot be removed now is gc's; why it could not be made is what counts. */
	(void)!rundir_remove(base_fd, early_name);
	return fault_set_errno(fault, FAULT_RUN_INIT, error, "workdir",
			       "cannot make a run directory in '%s'", base);
}

enum fault_code rundir_make(struct rundir *rundir, const char *base, struct fault *fault)
{
	int base_fd = -1;
	enum fault_code code;

	if (strlen(base) + RUNID_SIZE >= sizeof(rundir->path))
		return fault_set_errno(fault, FAULT_RUN_INIT, ENAMETOOLONG, "workdir", "%s", base);
	code = open_base(base, &base_fd, fault);
	if (code == FAULT_NONE)
		code = make_in(rundir, base_fd, base, fault);
	if (base_fd >= 0)
		close(base_fd);
	return code;
}

enum fault_code rundir_create(int dir_fd, const char *name, int *fd, struct fault *fault)
{
	*fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*fd >= 0)
		return FAULT_NONE;
	return fault_set_errno(fault, FAULT_RUN_INIT, errno, "workdir",
			       "cannot make '%s' in the run directory", name);
}

void rundir_artifact(const struct rundir *rundir, const char *name, char out[PATH_MAX])
{
	if ((size_t)snprintf(out, PATH_MAX, "%s/artifacts/%s", rundir->path, name) >= PATH_MAX)
		out[0] = '\0';
}

void rundir_close(struct rundir *rundir)
{
	descriptor_close(&rundir->stages_fd);
	descriptor_close(&rundir->artifacts_fd);
	descriptor_close(&rundir->dir_fd);
}
