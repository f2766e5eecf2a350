/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/machine/firecracker_host.h"

#include "stages/seal/digest.h"
#include "tests/firecracker/standin.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPTIONS_MAX 24

static void copy(const char *from, const char *to)
{
	size_t len;
	char *bytes = child_read_file(from, &len);

	cr_assert_not_null(bytes, "%s is missing", from);
	child_write_file(to, bytes, len);
	cr_assert_eq(chmod(to, 0755), 0);
	free(bytes);
}

const char *firecracker_host_path(const struct firecracker_host *host, const char *name)
{
	static char paths[4][PATH_MAX];
	static unsigned turn;
	char *path = paths[turn++ % 4];

	snprintf(path, PATH_MAX, "%s/%s", host->dir, name);
	return path;
}

/* Links where they can be, for they are many. */
static void link_programs(const struct firecracker_host *host)
{
	char from[PATH_MAX], name[NAME_MAX + 16];
	const struct dirent *entry;
	size_t len;
	DIR *dir;

	snprintf(from, sizeof from, "%s", child_path("safe-run"));
	len = strlen(from) - strlen("safe-run");
	from[len] = '\0';
	dir = opendir(from);
	cr_assert_not_null(dir, "%s", from);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(from + len, sizeof from - len, "%s", entry->d_name);
		snprintf(name, sizeof name, "bin/%s%s", entry->d_name,
			 strcmp(entry->d_name, "sr-machine") == 0 ? ".real" : "");
		if (link(from, firecracker_host_path(host, name)) != 0)
			copy(from, firecracker_host_path(host, name));
	}
	closedir(dir);
}

/* Jails, images and snapshots of this test's own: what gc does to them is nobody else's business. */
static void enter_jails(void)
{
	(void)!mkdir("/srv", 0755);
	(void)!mkdir("/srv/jailer", 0700);
	cr_assert_eq(unshare(CLONE_NEWNS), 0);
	cr_assert_eq(mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL), 0);
	cr_assert_eq(mount("tmpfs", "/srv/jailer", "tmpfs", 0, "mode=0700"), 0);
}

void firecracker_host_make(struct firecracker_host *host)
{
	if (geteuid() != 0)
		cr_skip_test("jailer has to be started as root");
	enter_jails();
	(void)!mkdir("/opt", 0755);
	/* Not in a temporary directory: everybody can write there, and that is refused. */
	snprintf(host->dir, sizeof host->dir, "/opt/safe-run-firecracker-XXXXXX");
	cr_assert_not_null(mkdtemp(host->dir));
	cr_assert_eq(chmod(host->dir, 0755), 0);
	cr_assert_eq(mkdir(firecracker_host_path(host, "bin"), 0755), 0);
	cr_assert_eq(mkdir(firecracker_host_path(host, "fc"), 0755), 0);
	cr_assert_eq(mkdir(firecracker_host_path(host, "artifacts"), 0755), 0);
	firecracker_artifacts(firecracker_host_path(host, "artifacts"));
	link_programs(host);
	copy(child_helper("standin-sr-machine"), firecracker_host_path(host, "bin/sr-machine"));
	copy(child_helper("standin-jailer"), firecracker_host_path(host, "fc/jailer"));
	copy(child_helper("standin-firecracker"), firecracker_host_path(host, "fc/firecracker"));
	cr_assert_eq(setenv("SAFE_RUN_FIRECRACKER_DIR", firecracker_host_path(host, "fc"), 1), 0);
}

static void add_file(char *manifest, size_t size, const char *dir, const char *entry,
		     const char *name, const char *more, const char *data, size_t len)
{
	char path[PATH_MAX], text[DIGEST_TEXT_SIZE];
	uint8_t value[DIGEST_SIZE];
	size_t used = strlen(manifest);

	snprintf(path, sizeof path, "%s/%s", dir, name);
	child_write_file(path, data, len);
	cr_assert_eq(chmod(path, 0644), 0);
	digest_bytes(data, len, value);
	digest_text(value, text);
	snprintf(manifest + used, size - used,
		 "%s\"%s\":{\"bytes\":%zu%s,\"path\":\"%s\",\"sha256\":\"%s\"}",
		 manifest[used - 1] == '{' ? "" : ",", entry, len, more, name, text);
}

void firecracker_artifacts(const char *dir)
{
	char manifest[2048] = "{\"arch\":\"x86_64\",\"files\":{";
	char root[4096] = "", path[PATH_MAX];
	size_t used;

	cr_assert_eq(digest_prewarm(), 0);
	memcpy(root + 1024, "\xe2\xe1\xf5\xe0", 4);
	add_file(manifest, sizeof manifest, dir, "bzImage", "bzImage", "", "bzImage", 7);
	add_file(manifest, sizeof manifest, dir, "initramfs", "initramfs.img", "", "initramfs", 9);
	add_file(manifest, sizeof manifest, dir, "rootfs", "rootfs.erofs", ",\"format\":\"erofs\"",
		 root, sizeof root);
	add_file(manifest, sizeof manifest, dir, "vmlinux", "vmlinux", "",
		 "\x7f"
		 "ELF vmlinux",
		 12);
	used = strlen(manifest);
	snprintf(manifest + used, sizeof manifest - used,
		 "},\"kernel\":{\"release\":\"standin\",\"source\":\"file\"},\"modules\":[],"
		 "\"schemaVersion\":\"safe-run.machine-artifacts/v1\"}");
	snprintf(path, sizeof path, "%s/manifest.json", dir);
	child_write_file(path, manifest, strlen(manifest));
}

void firecracker_host_remove(struct firecracker_host *host)
{
	if (host->dir[0] != '\0')
		child_remove_dir(host->dir);
}

void firecracker_host_set(const struct firecracker_host *host, const char *name, const char *mark,
			  const char *word)
{
	const char *path = firecracker_host_path(host, name);
	size_t len, mark_len = strlen(mark);
	char *bytes = child_read_file(path, &len);
	char *at = bytes != NULL ? memmem(bytes, len, mark, mark_len) : NULL;
	size_t found = 0;

	/* The mark stands in the code that looks behind it as well: that one is not followed by NULs. */
	for (; at != NULL; at = memmem(at + 1, len - (size_t)(at + 1 - bytes), mark, mark_len)) {
		char *end = at + STANDIN_FIELD_SIZE;

		if (end > bytes + len || end[-1] != '\0' || end[-16] != '\0')
			continue;
		memset(at + mark_len, 0, STANDIN_FIELD_SIZE - mark_len);
		snprintf(at + mark_len, STANDIN_FIELD_SIZE - mark_len, "%s", word);
		found++;
	}
	cr_assert_geq(found, 1, "%s has no field %s", name, mark);
	child_write_file(path, bytes, len);
	cr_assert_eq(chmod(path, 0755), 0);
	free(bytes);
}

const char **firecracker_host_argv(const struct firecracker_host *host, const char *base,
				   const char *const options[], const char *const command[])
{
	const char *all[OPTIONS_MAX] = {"--isolation", "microvm", "--vmm",	"firecracker",
					"--memory",    "128Mi",	  "--artifacts"};
	static char artifacts[PATH_MAX], program[PATH_MAX];
	size_t count = 7;
	const char **argv;

	snprintf(artifacts, sizeof artifacts, "%s", firecracker_host_path(host, "artifacts"));
	all[count++] = artifacts;
	for (size_t i = 0; options != NULL && options[i] != NULL; i++)
		all[count++] = options[i];
	all[count] = NULL;
	argv = run_argv(base, all, command);
	snprintf(program, sizeof program, "%s", firecracker_host_path(host, "bin/safe-run"));
	argv[0] = program;
	return argv;
}

void firecracker_host_run(struct run *run, const struct firecracker_host *host,
			  const char *const options[], const char *const command[],
			  const void *input, size_t input_len)
{
	const char **argv;

	memset(run, 0, sizeof *run);
	run->base = child_make_dir("firecracker");
	argv = firecracker_host_argv(host, run->base, options, command);
	child_run(argv, input, input_len, NULL, &run->child);
	free(argv);
	run_collect(run);
}

void firecracker_jail(const struct run *run, char *path, size_t size)
{
	const char *slash = run->dir != NULL ? strrchr(run->dir, '/') : NULL;

	cr_assert_not_null(slash, "there is no run directory: %s", run->child.err);
	snprintf(path, size, FIRECRACKER_JAILS "/%s", slash + 1);
}

void firecracker_expect_no_jail(const struct run *run)
{
	char path[4096];

	firecracker_jail(run, path, sizeof path);
	cr_expect_neq(access(path, F_OK), 0, "%s is left", path);
}
