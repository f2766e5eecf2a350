/* SPDX-License-Identifier: Apache-2.0 */
/* safe-run artifact build: what microVMs are started from, made once. */
#include "cmd/artifact_kernel.h"
#include "cmd/artifact_place.h"
#include "cmd/artifact_root.h"
#include "cmd/artifact_tool.h"
#include "cmd/option.h"
#include "cmd/spawn.h"
#include "cmd/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERB	 "artifact"
#define SYNOPSIS "build --kernel FILE|deb:PACKAGE --rootfs DIR|oci:PATH|debootstrap:SUITE --out DIR"
#define CODE	 FAULT_RUN_INIT

enum artifact_option {
	ARTIFACT_KERNEL,
	ARTIFACT_MODULES,
	ARTIFACT_ROOTFS,
	ARTIFACT_OUT,
	ARTIFACT_OPTION_COUNT
};

static const struct option table[ARTIFACT_OPTION_COUNT] = {
	[ARTIFACT_KERNEL] = {"kernel", "KERNEL",
			     "a bzImage, a package FILE.deb, or deb:NAME of the archive"},
	[ARTIFACT_MODULES] = {"modules", "DIR",
			      "the modules of a bzImage that is not /boot/vmlinuz-RELEASE"},
	[ARTIFACT_ROOTFS] = {"rootfs", "ROOT",
			     "the guest's root: a directory, oci:PATH, or debootstrap:SUITE"},
	[ARTIFACT_OUT] = {"out", "DIR", "the directory to make"},
};

struct build {
	const char *values[ARTIFACT_OPTION_COUNT];
	struct artifact_place new;  /* becomes --out */
	struct artifact_place work; /* packages, trees: goes */
	struct spawn_home home;
};

static enum fault_code make_places(struct build *build, struct fault *fault)
{
	const char *out = build->values[ARTIFACT_OUT];
	enum fault_code code;

	/* rename(2) takes the place of an empty directory, of nothing else. */
	if (access(out, F_OK) == 0 && rmdir(out) < 0)
		return fault_set_errno(fault, CODE, errno, "artifact.out",
				       "%s is there already; remove it first", out);
	artifact_place_sweep(out, NULL);
	code = artifact_place_make(out, "new", &build->new, fault);
	return code == FAULT_NONE ? artifact_place_make(out, "work", &build->work, fault) : code;
}

/* Opened here, as the caller; sr-artifact can open nothing but the modules. */
static enum fault_code put_together(const struct build *build, const struct artifact_kernel *kernel,
				    struct fault *fault)
{
	char init[PATH_MAX + 16];
	struct spawn spawn;
	enum fault_code code = FAULT_NONE;
	int fds[4];

	(void)snprintf(init, sizeof init, "%s/sr-init", build->home.path);
	fds[0] = open(kernel->image, O_RDONLY | O_CLOEXEC);
	fds[1] = open(kernel->modules, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fds[2] = open(init, O_RDONLY | O_CLOEXEC);
	fds[3] = open(build->new.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fds[0] < 0 || fds[1] < 0 || fds[2] < 0 || fds[3] < 0) {
		code = fault_set_errno(fault, CODE, errno, "artifact.build",
				       "cannot open the kernel %s, its modules, sr-init, or %s",
				       kernel->image, build->new.path);
	} else {
		artifact_tell("making the initramfs for %s", kernel->release);
		spawn_begin(&spawn, "sr-artifact", STDIN_FILENO, STDOUT_FILENO);
		spawn_fd(&spawn, "--kernel-fd", fds[0]);
		spawn_fd(&spawn, "--modules-fd", fds[1]);
		spawn_fd(&spawn, "--init-fd", fds[2]);
		spawn_fd(&spawn, "--out-fd", fds[3]);
		spawn_text(&spawn, "--release", kernel->release);
		spawn_text(&spawn, "--source", build->values[ARTIFACT_KERNEL]);
		if (spawn_and_wait(&spawn, &build->home) != VERB_DONE)
			code = fault_set(fault, CODE, "artifact.build",
					 "the artifacts are not complete, see above");
	}
	for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	return code;
}

static enum fault_code build_all(struct build *build, struct fault *fault)
{
	struct artifact_kernel kernel;
	char image[PATH_MAX + 16];
	enum fault_code code = artifact_root_check(build->values[ARTIFACT_ROOTFS], fault);

	if (code == FAULT_NONE)
		code = make_places(build, fault);
	(void)snprintf(image, sizeof image, "%s/rootfs.erofs", build->new.path);
	if (code == FAULT_NONE)
		code = artifact_kernel_find(build->values[ARTIFACT_KERNEL],
					    build->values[ARTIFACT_MODULES], build->work.path,
					    &kernel, fault);
	if (code == FAULT_NONE)
		code = artifact_root_make(build->values[ARTIFACT_ROOTFS], build->work.path, image,
					  &build->home, fault);
	if (code == FAULT_NONE && chmod(image, 0644) < 0)
		code = fault_set_errno(fault, CODE, errno, "artifact.rootfs", "%s", image);
	if (code == FAULT_NONE)
		code = put_together(build, &kernel, fault);
	/* Nothing in it is secret, and an ordinary user may start from root's. */
	if (code == FAULT_NONE && (chmod(build->new.path, 0755) < 0 ||
				   rename(build->new.path, build->values[ARTIFACT_OUT]) < 0))
		code = fault_set_errno(fault, CODE, errno, "artifact.out", "cannot finish %s",
				       build->values[ARTIFACT_OUT]);
	return code;
}

static int run(struct build *build)
{
	struct fault fault;
	enum fault_code code = spawn_find_home(&build->home, &fault);

	if (code == FAULT_NONE)
		code = build_all(build, &fault);
	artifact_place_remove(&build->work);
	if (code == FAULT_NONE) {
		artifact_tell("%s is complete", build->values[ARTIFACT_OUT]);
		return VERB_DONE;
	}
	artifact_place_remove(&build->new);
	fprintf(stderr, "safe-run: %s %s: %s\n", fault_code_name(fault.code), fault.path,
		fault.message);
	return code == FAULT_HOST_LACKS ? VERB_FAILED : VERB_REFUSED;
}

int verb_artifact(int argc, char **argv)
{
	struct option_cursor cursor = {VERB, SYNOPSIS, table, ARTIFACT_OPTION_COUNT, argv + 1, 1};
	struct build build = {.new = ARTIFACT_PLACE_NONE, .work = ARTIFACT_PLACE_NONE};
	const char *value;
	size_t index;

	if (argc < 2 || (strcmp(argv[1], "build") != 0 && strcmp(argv[1], "--help") != 0))
		return option_usage(VERB, SYNOPSIS, "knows the verb build");
	if (strcmp(argv[1], "--help") == 0)
		cursor.argv = argv;
	for (;;) {
		switch (option_next(&cursor, &index, &value)) {
		case OPTION_FOUND:
			build.values[index] = value;
			break;
		case OPTION_OPERAND:
		case OPTION_COMMAND:
			return option_usage(VERB, SYNOPSIS, "takes options only");
		case OPTION_HELP:
			return VERB_DONE;
		case OPTION_WRONG:
			return VERB_USAGE;
		case OPTION_END:
			if (build.values[ARTIFACT_KERNEL] == NULL ||
			    build.values[ARTIFACT_ROOTFS] == NULL ||
			    build.values[ARTIFACT_OUT] == NULL)
				return option_usage(VERB, SYNOPSIS,
						    "needs --kernel, --rootfs and --out");
			return run(&build);
		}
	}
}
