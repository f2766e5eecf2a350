/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filtergen: turns a .filter file into a C header that holds the seccomp program, at build time.
 *
 *     filtergen NAME FILE [EXTRA] > build/gen/filter_NAME.h
 *
 * EXTRA is a second file, read as if FILE ended with an include-allowed of it.
 *
 * A .filter file is lines of words; # starts a comment that runs to the end of the line.
 *
 *     default ACTION           what a system call gets that no line names; once, in FILE itself
 *     include PATH             the lines of another file (beside this one); its default is ignored
 *     include-allowed PATH     as include, but only the lines that allow
 *     [ACTION] NAME...         every use of these system calls
 *     [ACTION] NAME CONDITION [and CONDITION]...    one system call, all conditions holding
 *
 *     ACTION     allow (a line without one), kill, enosys, eperm, eacces, eafnosupport; a line that
 *                begins with the call kill says `allow kill`
 *     NAME       as in syscalls(2), or `any:NAME` for one this architecture may lack
 *     CONDITION  INDEX OP VALUE         OP is == != < <= > >=; all 64 bits are compared, unsigned
 *                INDEX & VALUE == VALUE
 *     INDEX      0..5, an argument of the call; one condition per argument
 *     VALUE      decimal, 0x hexadecimal, or a name of sandbox/filterconst.h, joined by |
 *
 * Several lines for one call: any of them allows. A call that has an unconditional line with one
 * action and a line with another is an error, as are an unknown name and a second default: a filter
 * means what it reads like, or does not build. An action equal to the default is no rule.
 *
 * Always, whatever the file says: a foreign architecture (int 0x80 of 32 bit) and x32 numbers kill
 * the process. The program is a binary tree over the numbers (SCMP_FLTATR_CTL_OPTIMIZE 2).
 */
#include "sandbox/filterfile.h"

#include <linux/filter.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static uint32_t scmp_action(enum filter_action action)
{
	switch (action) {
	case FILTER_ALLOW:
		return SCMP_ACT_ALLOW;
	case FILTER_KILL:
		return SCMP_ACT_KILL_PROCESS;
	case FILTER_ENOSYS:
		return SCMP_ACT_ERRNO(38);
	case FILTER_EPERM:
		return SCMP_ACT_ERRNO(1);
	case FILTER_EACCES:
		return SCMP_ACT_ERRNO(13);
	case FILTER_EAFNOSUPPORT:
		return SCMP_ACT_ERRNO(97);
	case FILTER_IGNORE:
		return SCMP_ACT_ERRNO(0);
	}
	abort();
}

static int add_rules(scmp_filter_ctx context, const struct filter_file *file)
{
	for (size_t i = 0; i < file->rule_count; i++) {
		const struct filter_rule *rule = &file->rules[i];
		int error;

		if (rule->action == file->fallback)
			continue;
		error = seccomp_rule_add_array(context, scmp_action(rule->action), rule->number,
					       rule->condition_count, rule->conditions);
		if (error < 0) {
			fprintf(stderr, "filtergen: %s:%u: libseccomp: %s\n", rule->path,
				rule->line, strerror(-error));
			return -1;
		}
	}
	return 0;
}

static int build(scmp_filter_ctx context, const struct filter_file *file)
{
	/* TSYNC would make libseccomp's own loader sync threads; we load the program ourselves. */
	if (seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) < 0 ||
	    seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2) < 0 ||
	    seccomp_attr_set(context, SCMP_FLTATR_CTL_TSYNC, 0) < 0) {
		fprintf(stderr, "filtergen: this libseccomp is older than 2.5\n");
		return -1;
	}
	return add_rules(context, file);
}

static int print_program(const char *name, const char *path, const struct sock_filter *program,
			 size_t count)
{
	printf("/* Made from %s by filtergen. */\n"
	       "static const struct sock_filter filter_%s_program[] = {\n",
	       path, name);
	for (size_t i = 0; i < count; i++)
		printf("\t{0x%02x, %u, %u, 0x%08x},\n", program[i].code, program[i].jt,
		       program[i].jf, program[i].k);
	printf("};\n");
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : -1;
}

static int export_program(scmp_filter_ctx context, const char *name, const char *path)
{
	static struct sock_filter program[BPF_MAXINSNS];
	int fd = memfd_create("filter", 0);
	ssize_t len;

	if (fd < 0 || seccomp_export_bpf(context, fd) < 0)
		return -1;
	len = pread(fd, program, sizeof program, 0);
	close(fd);
	if (len <= 0 || (size_t)len % sizeof *program != 0 ||
	    (size_t)len / sizeof *program >= BPF_MAXINSNS)
		return -1;
	return print_program(name, path, program, (size_t)len / sizeof *program);
}

int main(int argc, char **argv)
{
	static struct filter_file file;
	scmp_filter_ctx context;

	if (argc < 3 || argc > 4) {
		fprintf(stderr, "usage: filtergen NAME FILE [EXTRA]\n");
		return 2;
	}
	if (!filter_file_read(&file, argv[2]) || (argv[3] && !filter_file_add(&file, argv[3]))) {
		fprintf(stderr, "filtergen: %s\n", file.error);
		return 1;
	}
	context = seccomp_init(scmp_action(file.fallback));
	if (!context || build(context, &file) < 0 || export_program(context, argv[1], argv[2]) < 0)
		return 1;
	seccomp_release(context);
	return 0;
}
