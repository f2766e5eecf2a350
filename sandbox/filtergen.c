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
 * Several lines for one call: any of them allows, else the first that fits answers. A call that has
 * an unconditional line with one action and a line with another is an error, as are an unknown name
 * and a second default: a filter means what it reads like, or does not build. An action equal to
 * the default is no rule.
 *
 * Always, whatever the file says: a foreign architecture (int 0x80 of 32 bit) and x32 numbers kill
 * the process. The program is a binary tree over ranges of numbers (filterprogram.h).
 */
#include "sandbox/filterprogram.h"

#include <stdio.h>

static int print_program(const char *name, const char *path, const struct filter_program *program)
{
	printf("/* Made from %s by filtergen. */\n"
	       "static const struct sock_filter filter_%s_program[] = {\n",
	       path, name);
	for (size_t i = program->first; i < BPF_MAXINSNS; i++)
		printf("\t{0x%02x, %u, %u, 0x%08x},\n", program->code[i].code, program->code[i].jt,
		       program->code[i].jf, program->code[i].k);
	printf("};\n");
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}

int main(int argc, char **argv)
{
	static struct filter_file file;
	static struct filter_program program;

	if (argc < 3 || argc > 4) {
		fprintf(stderr, "usage: filtergen NAME FILE [EXTRA]\n");
		return 2;
	}
	if (!filter_file_read(&file, argv[2]) || (argv[3] && !filter_file_add(&file, argv[3]))) {
		fprintf(stderr, "filtergen: %s\n", file.error);
		return 1;
	}
	if (!filter_program_build(&program, &file)) {
		fprintf(stderr, "filtergen: %s makes more than %d instructions\n", argv[2],
			BPF_MAXINSNS);
		return 1;
	}
	return print_program(argv[1], argv[2], &program);
}
