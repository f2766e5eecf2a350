/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/stage.h"

#include "stages/option.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef SAFE_RUN_SANITIZED
/* LeakSanitizer looks at the process through ptrace(2), which PR_SET_DUMPABLE 0 takes from it. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

void stage_complain(const struct stage *stage, const char *format, ...)
{
	char text[FAULT_MESSAGE_SIZE];
	char line[sizeof text + 64];
	struct fault escaped;
	va_list args;
	int len;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	(void)fault_set(&escaped, FAULT_HOST_LACKS, "", "%s", text);
	len = snprintf(line, sizeof line, "%.40s: %s\n", stage->name, escaped.message);
	/* Nobody left to tell when stderr is gone. */
	if (record_write_all(STDERR_FILENO, line, (size_t)len) < 0)
		return;
}

/*
 * A missing descriptor 0, 1 or 2 would be taken by the first file opened later, and a message for
 * stderr would end in it.
 */
static bool open_missing(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR | O_NOCTTY) != fd)
			return false;
	return true;
}

static void take_lower(int fd, unsigned from, unsigned *lowest)
{
	if (fd >= 0 && (unsigned)fd >= from && (unsigned)fd < *lowest)
		*lowest = (unsigned)fd;
}

/* The lowest named descriptor at or above from; UINT_MAX when there is none. */
static unsigned next_named(const struct stage *stage, const struct option_parse *parse,
			   unsigned from)
{
	size_t count = OPTION_COMMON_COUNT + stage->option_count;
	unsigned lowest = UINT_MAX;

	for (size_t i = 0; i < count; i++) {
		const struct stage_value *value = &parse->values[i];

		take_lower(value->fd, from, &lowest);
		for (size_t k = 0; k < value->fd_count; k++)
			take_lower(value->fds[k], from, &lowest);
	}
	return lowest;
}

static bool close_unnamed(const struct stage *stage, const struct option_parse *parse)
{
	unsigned from = STDERR_FILENO + 1;

	for (;;) {
		unsigned named = next_named(stage, parse, from);
		unsigned last = named == UINT_MAX ? UINT_MAX : named - 1;

		if (from <= last && close_range(from, last, 0) < 0)
			return false;
		if (named == UINT_MAX)
			return true;
		from = named + 1;
	}
}

/*
 * What a person, a hangup or a service manager sends to a whole process group. A stage that must
 * outlive the workload, to tell how it ended, leaves it to the launcher.
 */
static bool asks_end(int number)
{
	return number == SIGINT || number == SIGQUIT || number == SIGHUP || number == SIGTERM;
}

/* A broken pipe and a file that reached its limit (RLIMIT_FSIZE) are errors to report. */
static bool is_error_too(int number)
{
	return number == SIGPIPE || number == SIGXFSZ;
}

/*
 * glibc keeps two signals to itself and lets nobody set them, but its posix_spawn (make, for one)
 * leaves them ignored in the child. Only the system call brings them back: a struct sigaction of
 * the kernel's is all zero for the default, and fits in eight words everywhere.
 */
static bool reset_kept(int number)
{
	static const unsigned long usual[8];

	return number == SIGKILL || number == SIGSTOP ||
	       syscall(SYS_rt_sigaction, number, usual, NULL, _NSIG / 8) == 0;
}

/*
 * Handlers do not survive execve(2), ignored signals and the mask do: whoever started us decides
 * neither.
 */
static bool reset_signals(bool survives_keyboard)
{
	struct sigaction usual = {.sa_handler = SIG_DFL};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t none;

	for (int number = 1; number < _NSIG; number++) {
		bool ignored = is_error_too(number) || (survives_keyboard && asks_end(number));

		/* SIGKILL and SIGSTOP cannot be set. */
		if (sigaction(number, ignored ? &ignore : &usual, NULL) < 0 &&
		    (errno != EINVAL || !reset_kept(number)))
			return false;
	}
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

/* The process starts from nothing its caller left lying about. */
static bool clean_process(const struct stage *stage, const struct option_parse *parse)
{
	umask(077);
	return close_unnamed(stage, parse) && clearenv() == 0 &&
	       reset_signals(stage->survives_keyboard);
}

/*
 * json-c picks its hash seed (getrandom) when the first key is inserted, and malloc its own at the
 * first allocation: both now, for no filter allows them later.
 */
static bool prewarm_json(void)
{
	struct json_object *object = json_object_new_object();
	bool done = object && json_object_object_add(object, "seed", NULL) == 0;

	json_object_put(object);
	return done;
}

static enum stage_exit stage_prewarm(struct stage_context *context)
{
	const struct stage *stage = context->stage;

	/* After open: what a person names on the command line is relative to where they are. */
	if (chdir("/") < 0 || !prewarm_json()) {
		stage_complain(stage, "cannot prepare: %s", strerror(errno));
		return STAGE_FAILED;
	}
	if (stage->hashes && !stage->prewarm)
		abort();
	return stage->prewarm ? stage->prewarm(context) : STAGE_DONE;
}

void stage_end_output(struct stage_context *context)
{
	if (context->out.fd >= 0)
		(void)close(context->out.fd);
	context->out.fd = -1;
}

static enum stage_exit stage_confine_and_run(const struct stage *stage, void *state,
					     const struct option_parse *parse, int argc,
					     char **argv)
{
	const struct stage_value *parent = &parse->values[OPTION_PARENT_PID];
	struct stage_context context = {
		.stage = stage,
		.values = option_own(parse),
		.operands = (const char *const *)argv + parse->operand_index,
		.operand_count = (size_t)(argc - parse->operand_index),
		.out = {.fd = STDOUT_FILENO, .record_fd = parse->values[OPTION_RECORD_FD].fd},
		.state = state,
	};
	enum stage_exit status = stage->open ? stage->open(&context) : STAGE_DONE;

	if (status == STAGE_DONE)
		status = stage_prewarm(&context);
	if (status != STAGE_DONE)
		return status;
	sandbox_enter(stage->profile, context.fd_rules, context.fd_rule_count,
		      parent->given ? (pid_t)parent->number : 0);
	status = stage->run(&context);
	if (stage->ends_output)
		stage_end_output(&context);
	return status;
}

static enum stage_exit stage_start(const struct stage *stage, void *state,
				   struct option_parse *parse, int argc, char **argv)
{
	if (!option_parse(stage, argc, argv, parse)) {
		stage_complain(stage, "%s (%s --help lists the options)", parse->error,
			       stage->name);
		return STAGE_USAGE;
	}
	if (parse->values[OPTION_HELP].given)
		return option_print_help(stage, STDOUT_FILENO) < 0 ? STAGE_FAILED : STAGE_DONE;
	if (parse->values[OPTION_VERSION].given)
		return dprintf(STDOUT_FILENO, "%s %s\n", stage->name, SAFE_RUN_VERSION) < 0
			       ? STAGE_FAILED
			       : STAGE_DONE;
	if (!clean_process(stage, parse)) {
		stage_complain(stage, "cannot clean up after the caller: %s", strerror(errno));
		return STAGE_FAILED;
	}
	return stage_confine_and_run(stage, state, parse, argc, argv);
}

int stage_main(const struct stage *stage, void *state, int argc, char **argv)
{
	struct option_parse parse = {0};
	enum stage_exit status;

	if (!open_missing())
		return STAGE_FAILED;
	status = stage_start(stage, state, &parse, argc, argv);
	option_release(&parse);
	return (int)status;
}
