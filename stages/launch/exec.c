/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/exec.h"

#include "ipc/buf.h"
#include "stages/launch/lookup.h"
#include "stages/launch/script.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define CODE FAULT_RUN_LAUNCH
#define PATH "launch.exec"

static enum fault_code explain(const char *name, int cause, int *error_number, struct fault *fault)
{
	*error_number = cause;
	if (cause == ENOENT && strchr(name, '/') == NULL)
		return fault_set(
			fault, CODE, PATH,
			"%.200s is in no directory of the sandbox's PATH: give an absolute "
			"path, or mount the directory that has it",
			name);
	if (cause == ENOENT)
		return fault_set(
			fault, CODE, PATH,
			"%.200s does not exist in the sandbox: only the host's system "
			"directories, or runtime.rootfs, and the policy's mounts are there",
			name);
	if (cause == EACCES)
		return fault_set(fault, CODE, PATH,
				 "%.200s cannot be executed: it must be a regular file that the "
				 "workload's user may read and execute",
				 name);
	return fault_set_errno(fault, CODE, cause, PATH, "cannot execute %.200s", name);
}

static enum fault_code prepare_interpreter(struct exec_plan *exec, int *error_number,
					   struct fault *fault)
{
	char head[SCRIPT_HEAD_SIZE];
	ssize_t len;

	exec->interpreter.fd = lookup_open(exec->interpreter_name);
	if (exec->interpreter.fd < 0)
		return explain(exec->interpreter_name, errno, error_number, fault);
	len = pread(exec->interpreter.fd, head, sizeof head, 0);
	if (len >= 2 && memcmp(head, "#!", 2) == 0) {
		*error_number = ENOEXEC;
		return fault_set(fault, CODE, PATH,
				 "the interpreter %.200s is a script itself: name a program in the "
				 "script's first line",
				 exec->interpreter_name);
	}
	if (lookup_name(&exec->interpreter) < 0 || lookup_hash(&exec->interpreter) < 0)
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
	exec->program.fd = lookup_command(plan, found);
	if (exec->program.fd < 0)
		return explain(plan->argv[0], errno, error_number, fault);
	len = pread(exec->program.fd, head, sizeof head, 0);
	if (len < 0 || lookup_name(&exec->program) < 0 || lookup_hash(&exec->program) < 0)
		return explain(plan->argv[0], errno, error_number, fault);
	kind = script_parse(head, (size_t)len, exec->interpreter_name, exec->interpreter_argument);
	exec->script = kind == SCRIPT_YES;
	if (kind == SCRIPT_BAD)
		return explain(plan->argv[0], ENOEXEC, error_number, fault);
	if (kind == SCRIPT_YES) {
		bool stays = script_stays(plan, exec->program.path);

		(void)snprintf(exec->script_argument, sizeof exec->script_argument, "%s",
			       stays ? found : EXEC_SCRIPT_PATH);
		return prepare_interpreter(exec, error_number, fault);
	}
	return FAULT_NONE;
}

/* argv as the kernel makes it for a script: interpreter, its one argument, script, the rest. */
static void arrange_argv(struct exec_plan *exec)
{
	size_t count = 0;

	/* Interpreter, its argument and the script in place of the command, and NULL. */
	exec->argv = calloc(exec->word_count + 3, sizeof *exec->argv);
	if (exec->argv == NULL)
		buf_no_memory();
	if (exec->script) {
		exec->argv[count++] = exec->interpreter_name;
		if (exec->interpreter_argument[0] != '\0')
			exec->argv[count++] = exec->interpreter_argument;
		exec->argv[count++] = exec->script_argument;
	} else {
		exec->argv[count++] = exec->words[0];
	}
	for (size_t i = 1; i < exec->word_count; i++)
		exec->argv[count++] = exec->words[i];
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

/* The one form of exec the strict filter lets through; see there. */
static enum fault_code arrange_strict(struct exec_plan *exec, struct exec_file *target,
				      const char **strict_name, struct fault *fault)
{
	struct rlimit files;
	int fd = -1;

	/* The soft limit decides what numbers there are, and is 1024 nearly everywhere. */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &files) == 0)
			fd = dup3(target->fd, EXEC_FD, O_CLOEXEC);
	}
	if (fd < 0)
		return fault_set_errno(fault, FAULT_HOST_LACKS, errno, "launch.limits",
				       "the strict profile needs a hard limit of more than %d open "
				       "files: raise it (ulimit -Hn), or use the standard profile",
				       EXEC_FD);
	(void)close(target->fd);
	target->fd = fd;
	exec->exec_path = last_byte(strict_name);
	if (exec->exec_path != NULL)
		return FAULT_NONE;
	return fault_set(
		fault, FAULT_HOST_LACKS, PATH,
		"the last page of memory is taken, which the strict profile needs: use the "
		"standard profile");
}

/* For "/dev/fd/3"; every other script is closed, and opened again by its interpreter. */
static enum fault_code arrange_script(struct exec_plan *exec, struct fault *fault)
{
	int fd = exec->program.fd;

	if (strcmp(exec->script_argument, EXEC_SCRIPT_PATH) != 0) {
		(void)close(fd);
		return FAULT_NONE;
	}
	if (fd == EXEC_SCRIPT_FD && fcntl(fd, F_SETFD, 0) == 0)
		return FAULT_NONE;
	if (fd != EXEC_SCRIPT_FD && dup2(fd, EXEC_SCRIPT_FD) == EXEC_SCRIPT_FD && close(fd) == 0)
		return FAULT_NONE;
	return fault_set_errno(fault, CODE, errno, PATH, "cannot keep the script open");
}

enum fault_code exec_arrange(const struct plan *plan, struct exec_plan *exec,
			     const char **strict_name, struct fault *fault)
{
	struct exec_file *target = exec->script ? &exec->interpreter : &exec->program;
	enum fault_code code = FAULT_NONE;

	arrange_argv(exec);
	exec->exec_path = "";
	if (strcmp(plan->seccomp, "strict") == 0)
		code = arrange_strict(exec, target, strict_name, fault);
	if (code == FAULT_NONE && exec->script)
		code = arrange_script(exec, fault);
	return code;
}

int exec_run(const struct plan *plan, const struct exec_plan *exec)
{
	int fd = exec->script ? exec->interpreter.fd : exec->program.fd;

	(void)execveat(fd, exec->exec_path, exec->argv, plan->envp, AT_EMPTY_PATH);
	return errno;
}
