/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/exec.h"

#include "stages/launch/script.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE FAULT_RUN_LAUNCH
#define PATH "launch.exec"

/* execve(2)'s own conditions, before anything is read: a regular file with an execute bit. */
static int open_executable(const char *path)
{
	struct stat info;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return -1;
	if (fstat(fd, &info) == 0) {
		if (!S_ISREG(info.st_mode))
			errno = EACCES;
		else if (faccessat(fd, "", X_OK, AT_EMPTY_PATH | AT_EACCESS) == 0)
			return fd;
	}
	int error_number = errno;

	(void)close(fd);
	errno = error_number;
	return -1;
}

static const char *search_path(const struct plan *plan)
{
	for (char **entry = plan->envp; *entry != NULL; entry++)
		if (strncmp(*entry, "PATH=", 5) == 0)
			return *entry + 5;
	return "";
}

/* execvp(3)'s walk: the first that can be run; EACCES is remembered, a missing file is not. */
static int open_in_path(const struct plan *plan, const char *name, char found[PLAN_PATH_MAX])
{
	const char *directory = search_path(plan);
	int error_number = ENOENT;

	while (*directory != '\0') {
		size_t len = strcspn(directory, ":");
		int fd = -1;

		/* Relative entries would make the work directory a source of commands. */
		if (directory[0] == '/' && snprintf(found, PLAN_PATH_MAX, "%.*s/%s", (int)len,
						    directory, name) < PLAN_PATH_MAX)
			fd = open_executable(found);
		else
			errno = ENOENT;
		if (fd >= 0)
			return fd;
		if (errno == EACCES)
			error_number = EACCES;
		directory += len;
		if (*directory == ':')
			directory++;
	}
	errno = error_number;
	return -1;
}

static int open_command(const struct plan *plan, char found[PLAN_PATH_MAX])
{
	const char *name = plan->argv[0];

	if (strchr(name, '/') == NULL)
		return open_in_path(plan, name, found);
	(void)snprintf(found, PLAN_PATH_MAX, "%s", name);
	return open_executable(name);
}

/* The hash of all of it, through the descriptor that will be executed. */
static int hash_file(struct exec_file *file)
{
	struct digest *digest = digest_new();
	uint8_t value[DIGEST_SIZE];
	char block[65536];
	off_t offset = 0;
	ssize_t len;

	while ((len = pread(file->fd, block, sizeof block, offset)) > 0) {
		digest_update(digest, block, (size_t)len);
		offset += len;
	}
	digest_value(digest, value);
	digest_free(digest);
	digest_text(value, file->hash);
	return len < 0 ? -1 : 0;
}

static int name_file(struct exec_file *file)
{
	char link[32];
	ssize_t len;

	/* /proc is our own instance, so what it says of the descriptor is the kernel's word. */
	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", file->fd);
	len = readlink(link, file->path, sizeof file->path - 1);
	if (len < 0)
		return -1;
	file->path[len] = '\0';
	return 0;
}

static enum fault_code explain(const char *name, int cause, int *error_number, struct fault *fault)
{
	*error_number = cause;
	if (cause == ENOENT && strchr(name, '/') == NULL)
		return fault_set(fault, CODE, PATH,
				 "%s is in no directory of the sandbox's PATH: give an absolute "
				 "path, or mount the directory that has it",
				 name);
	if (cause == ENOENT)
		return fault_set(fault, CODE, PATH,
				 "%s does not exist in the sandbox: only the system directories "
				 "and the policy's mounts are there",
				 name);
	if (cause == EACCES)
		return fault_set(fault, CODE, PATH,
				 "%s cannot be executed: it must be a regular file that the "
				 "workload's user may read and execute",
				 name);
	return fault_set_errno(fault, CODE, cause, PATH, "cannot execute %s", name);
}

static enum fault_code prepare_interpreter(struct exec_plan *exec, int *error_number,
					   struct fault *fault)
{
	char head[SCRIPT_HEAD_SIZE];
	ssize_t len;

	exec->interpreter.fd = open_executable(exec->interpreter_name);
	if (exec->interpreter.fd < 0)
		return explain(exec->interpreter_name, errno, error_number, fault);
	len = pread(exec->interpreter.fd, head, sizeof head, 0);
	if (len >= 2 && memcmp(head, "#!", 2) == 0) {
		*error_number = ENOEXEC;
		return fault_set(fault, CODE, PATH,
				 "the interpreter %s is a script itself: name a program in the "
				 "script's first line",
				 exec->interpreter_name);
	}
	if (name_file(&exec->interpreter) < 0 || hash_file(&exec->interpreter) < 0)
		return explain(exec->interpreter_name, errno, error_number, fault);
	return FAULT_NONE;
}

enum fault_code exec_prepare(const struct plan *plan, struct exec_plan *exec, int *error_number,
			     struct fault *fault)
{
	char found[PLAN_PATH_MAX];
	char head[SCRIPT_HEAD_SIZE];
	enum script_kind kind;
	ssize_t len;

	*error_number = 0;
	exec->program.fd = open_command(plan, found);
	if (exec->program.fd < 0)
		return explain(plan->argv[0], errno, error_number, fault);
	len = pread(exec->program.fd, head, sizeof head, 0);
	if (len < 0 || name_file(&exec->program) < 0 || hash_file(&exec->program) < 0)
		return explain(plan->argv[0], errno, error_number, fault);
	kind = script_parse(head, (size_t)len, exec->interpreter_name, exec->interpreter_argument);
	exec->script = kind == SCRIPT_YES;
	if (kind == SCRIPT_BAD)
		return explain(plan->argv[0], ENOEXEC, error_number, fault);
	if (kind == SCRIPT_YES) {
		bool stays = script_stays(plan, exec->program.path);

		(void)snprintf(exec->script_argument, sizeof exec->script_argument, "%s",
			       stays ? found : "/dev/fd/3");
		return prepare_interpreter(exec, error_number, fault);
	}
	return FAULT_NONE;
}

/* argv as the kernel makes it for a script: interpreter, its one argument, script, the rest. */
static void arrange_argv(const struct plan *plan, struct exec_plan *exec)
{
	size_t count = 0;

	if (exec->script) {
		exec->argv[count++] = exec->interpreter_name;
		if (exec->interpreter_argument[0] != '\0')
			exec->argv[count++] = exec->interpreter_argument;
		exec->argv[count++] = exec->script_argument;
	} else {
		exec->argv[count++] = plan->argv[0];
	}
	for (size_t i = 1; i < plan->arg_count; i++)
		exec->argv[count++] = plan->argv[i];
	exec->argv[count] = NULL;
}

/* The page under the end of user memory, 4-level or 5-level page tables; see strict.filter. */
static const char *last_byte(const char **strict_name)
{
	static const struct {
		uintptr_t end; /* TASK_SIZE_MAX */
		const char *name;
	} layouts[] = {
		{0xfffffffffff000, "strict-la57"},
		{0x7ffffffff000, "strict"},
	};

	for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
		char *page = (char *)(layouts[i].end - 4096);
		void *got = mmap(page, 4096, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		*strict_name = layouts[i].name;
		/* Without address randomisation the stack ends here, with a zero word (execve). */
		if (got == page || (got == MAP_FAILED && errno == EEXIST && page[4095] == '\0'))
			return page + 4095;
	}
	return NULL;
}

enum fault_code exec_arrange(const struct plan *plan, struct exec_plan *exec,
			     const char **strict_name, struct fault *fault)
{
	struct exec_file *target = exec->script ? &exec->interpreter : &exec->program;
	bool strict = strcmp(plan->seccomp, "strict") == 0;
	int fd;

	arrange_argv(plan, exec);
	exec->exec_path = last_byte(strict_name);
	fd = dup3(target->fd, EXEC_FD, O_CLOEXEC);
	if (fd < 0 && strict)
		return fault_set_errno(fault, FAULT_HOST_LACKS, errno, "launch.limits",
				       "the strict profile needs a hard limit of more than %d open "
				       "files: raise it (ulimit -Hn), or use the standard profile",
				       EXEC_FD);
	if (exec->exec_path == NULL && strict)
		return fault_set(
			fault, FAULT_HOST_LACKS, PATH,
			"the last page of memory is taken, which the strict profile needs: "
			"use the standard profile");
	if (exec->exec_path == NULL)
		exec->exec_path = "";
	if (fd >= 0) {
		(void)close(target->fd);
		target->fd = fd;
	}
	if (!exec->script || exec->script_argument[0] == '\0')
		return FAULT_NONE;
	if (strcmp(exec->script_argument, "/dev/fd/3") != 0) {
		(void)close(exec->program.fd);
		return FAULT_NONE;
	}
	if (exec->program.fd == EXEC_SCRIPT_FD ? fcntl(EXEC_SCRIPT_FD, F_SETFD, 0) < 0
					       : dup2(exec->program.fd, EXEC_SCRIPT_FD) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot keep the script open");
	if (exec->program.fd != EXEC_SCRIPT_FD)
		(void)close(exec->program.fd);
	return FAULT_NONE;
}

int exec_run(const struct plan *plan, const struct exec_plan *exec)
{
	int fd = exec->script ? exec->interpreter.fd : exec->program.fd;

	(void)execveat(fd, exec->exec_path, exec->argv, plan->envp, AT_EMPTY_PATH);
	return errno;
}
