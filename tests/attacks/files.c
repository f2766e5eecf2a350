/* SPDX-License-Identifier: Apache-2.0 */
/* FS3 to FS6, FS8: what a run can do to the files it was given, and to its own report. */
#include "tests/attacks/run.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define IN "/opt/in"

static char *join(const char *dir, const char *name)
{
	char *path;

	cr_assert_gt(asprintf(&path, "%s/%s", dir, name), 0);
	return path;
}

static void make_dir(const char *dir, const char *name)
{
	char *path = join(dir, name);

	cr_assert_eq(mkdir(path, 0755), 0, "%s", path);
	cr_assert_eq(chmod(path, 0755), 0);
	free(path);
}

static void make_file(const char *dir, const char *name, const char *text)
{
	char *path = join(dir, name);

	child_write_file(path, text, strlen(text));
	cr_assert_eq(chmod(path, 0644), 0);
	free(path);
}

/* A directory others may look into: the workload is somebody else when root runs this. */
static char *open_dir(void)
{
	char *dir = child_make_dir("files");

	cr_assert_eq(chmod(dir, 0755), 0);
	return dir;
}

/* The attack programs, and source at /opt/in. */
static void give(struct attack *attack, const char *source)
{
	char *mounts;

	cr_assert_gt(asprintf(&mounts,
			      "[{\"read_only\":true,\"source\":\"%s\",\"target\":\"" ATTACK_INSIDE
			      "\"},{\"read_only\":true,\"source\":\"%s\",\"target\":\"" IN "\"}]",
			      attack->source, source),
		     0);
	attack_set(attack, "mounts", mounts);
	free(mounts);
}

/* Everything `files write` tries, in each directory, and nothing of it worked. */
static void expect_untouched(const char *out, size_t directories)
{
	cr_expect_eq(attack_lines(out, "in "), directories, "%s", out);
	cr_expect_eq(attack_lines(out, "create "), directories, "%s", out);
	cr_expect_null(strstr(out, " ok\n"), "%s", out);
}

Test(attacks, FS3_below_a_read_only_mount)
{
	const char *argv[] = {ATTACK_INSIDE "/files", "write",	   IN,	IN "/tmp",
			      IN "/tmp/deep",	      IN "/bound", NULL};
	char *dir = open_dir();
	struct child_result bare;
	struct attack attack;

	attack_open(&attack, argv);
	give(&attack, dir);
	attack.wrapper[0] = "nest";
	attack.wrapper[1] = dir;
	/*
	 * The nest is a user namespace then, and the directory shown entry by entry: not one with a
	 * file that is too large to be copied.
	 */
	if (!attack_is_root()) {
		char *large = join(dir, "large");

		child_write_file(large, "", 0);
		cr_assert_eq(truncate(large, (1 << 20) + 1), 0);
		attack_set(&attack, "runtime.seccomp", "\"standard\"");
		attack_run(&attack);
		attack_expect_refused(&attack, "SR-OPS-001");
		/* Asked to go on, it shares the inodes, and says so. */
		attack.option = "--best-effort";
		attack_run(&attack);
		attack_expect_finished(&attack);
		expect_untouched(attack.result.out, 4);
		cr_expect_not_null(strstr(attack_event(&attack, "run.prepared", "payload.degraded"),
					  "files.locks"));
		attack.option = NULL;
		cr_assert_eq(unlink(large), 0);
		free(large);
	}
	attack_run(&attack);
	attack_expect_finished(&attack);
	expect_untouched(attack.result.out, 4);
	cr_expect_str_eq(attack_event(&attack, "mount.applied", "payload.target"), IN);
	cr_expect_eq(attack_lines(attack.result.err, dir), 3, "%s", attack.result.err);
	cr_expect_null(strstr(attack.result.err, " TOUCHED"), "%s", attack.result.err);
	/* The control: the same program on the same mounts, without a sandbox. */
	char *deep = join(dir, "tmp/deep");
	attack_bare(
		(const char *const[]){"nest", dir, attack_program("files"), "write", deep, NULL},
		&bare);
	cr_expect_str_eq(attack_said(bare.out, "create"), "ok", "%s%s", bare.out, bare.err);
	cr_expect_not_null(strstr(bare.err, "/deep TOUCHED"), "%s", bare.err);
	child_release(&bare);
	attack_close(&attack);
	child_remove_dir(dir);
	free(deep), free(dir);
}

/* A path somebody wrote down is meant: where it leads nowhere, nothing runs. */
Test(attacks, FS4_paths_that_lead_nowhere)
{
	static const struct {
		const char *field, *json, *code;
	} rules[] = {
		{"mounts", "[{\"read_only\":true,\"source\":\"/no/such\",\"target\":\"/opt/x\"}]",
		 "SR-POL-101"},
		{"runtime.rootfs", "\"/no/such/root\"", "SR-POL-"},
		{"runtime.command", "\"/no/such/program\"", "SR-RUN-002"},
	};

	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		const char *argv[] = {"/bin/true", NULL};
		struct attack attack;

		attack_open(&attack, argv);
		attack_set(&attack, rules[i].field, rules[i].json);
		attack_run(&attack);
		cr_expect_neq(attack.result.status, 0, "%s", rules[i].field);
		cr_expect_not_null(strstr(attack_errors(&attack), rules[i].code), "%s: %s",
				   rules[i].field, attack_errors(&attack));
		cr_expect_str_eq(attack_event(&attack, "vm.started", "seq"), "", "%s",
				 rules[i].field);
		attack_close(&attack);
	}
}

/* "TYPE HEX" of a file's handle; false where its file system gives none. */
static bool handle_of(const char *path, char type[16], char hex[2 * MAX_HANDLE_SZ + 1])
{
	union {
		struct file_handle handle;
		char bytes[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} all = {.handle.handle_bytes = MAX_HANDLE_SZ};
	int mount_id;

	if (name_to_handle_at(AT_FDCWD, path, &all.handle, &mount_id, 0))
		return false;
	snprintf(type, 16, "%d", all.handle.handle_type);
	for (unsigned i = 0; i < all.handle.handle_bytes; i++)
		snprintf(hex + 2 * (size_t)i, 3, "%02x", all.handle.f_handle[i]);
	return true;
}

Test(attacks, FS5_by_handle)
{
	char *dir = open_dir(), *secret = join(dir, "secret"), *in = join(dir, "in");
	char type[16] = "1", hex[2 * MAX_HANDLE_SZ + 1] = "0000000000000000";
	const char *argv[] = {ATTACK_INSIDE "/files", "handle", IN, type, hex, NULL};
	struct child_result bare;
	struct attack attack;

	make_file(dir, "secret", "not for you");
	make_dir(dir, "in");
	make_file(in, "file", "given");
	bool real = handle_of(secret, type, hex);
	if (real && attack_is_root()) {
		attack_bare((const char *const[]){"files", "handle", in, type, hex, NULL}, &bare);
		cr_expect_str_eq(attack_said(bare.out, "content"), "not for you", "%s", bare.out);
		child_release(&bare);
	}
	attack_open(&attack, argv);
	give(&attack, in);
	attack_run(&attack);
	attack_expect_finished(&attack);
	cr_expect_str_eq(attack_said(attack.result.out, "opendir"), "ok");
	cr_expect_str_neq(attack_said(attack.result.out, "open_by_handle_at"), "ok");
	cr_expect_null(strstr(attack.result.out, "not for you"));
	attack_close(&attack);
	child_remove_dir(dir);
	free(in), free(secret), free(dir);
}

Test(attacks, FS5_hard_links)
{
	static const char *const places[] = {"/tmp/taken", IN "/taken", "/work/taken"};
	char *dir = open_dir();

	make_file(dir, "file", "given");
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		const char *argv[] = {ATTACK_INSIDE "/files", "link", IN "/file", places[i], NULL};
		struct attack attack;

		attack_open(&attack, argv);
		give(&attack, dir);
		attack_run(&attack);
		attack_expect_finished(&attack);
		cr_expect_eq(attack_lines(attack.result.out, "link"), 2, "%s", attack.result.out);
		cr_expect_null(strstr(attack.result.out, " ok\n"), "%s", attack.result.out);
		attack_close(&attack);
	}
	child_remove_dir(dir);
	free(dir);
}

Test(attacks, FS5_roots_of_processes)
{
	const char *argv[] = {ATTACK_INSIDE "/files", "proc", NULL};
	struct attack attack;

	attack_open(&attack, argv);
	attack_run(&attack);
	attack_expect_finished(&attack);
	cr_expect_gt(attack_lines(attack.result.out, "root-"), 0, "%s", attack.result.out);
	cr_expect_null(strstr(attack.result.out, "FOREIGN"), "%s", attack.result.out);
	attack_close(&attack);
}

/* All capabilities in a file, effective at once (VFS_CAP_REVISION_2). */
static void give_capabilities(const char *path)
{
	struct vfs_cap_data caps = {.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
				    .data = {{.permitted = ~0U}, {.permitted = 0x1ff}}};

	cr_assert_eq(setxattr(path, "security.capability", &caps, sizeof caps, 0), 0);
}

/* A copy of the attack program in dir. */
static char *copy_program(const char *dir, const char *name, mode_t mode)
{
	char *path = join(dir, name);
	size_t len;
	char *bytes = child_read_file(attack_program("files"), &len);

	cr_assert_not_null(bytes);
	child_write_file(path, bytes, len);
	cr_assert_eq(chmod(path, mode), 0);
	free(bytes);
	return path;
}

/* The ids and capabilities of what was executed must be those of who executed it. */
static void expect_no_gain(const char *dir, const char *program)
{
	const char *before[] = {ATTACK_INSIDE "/files", "whoami", NULL};
	const char *after[] = {ATTACK_INSIDE "/files", "ids", program, NULL};
	struct attack attack;
	char *plain;

	attack_open(&attack, before);
	give(&attack, dir);
	attack_run(&attack);
	attack_expect_finished(&attack);
	plain = strdup(attack.result.out);
	attack_command(&attack, after);
	attack_run(&attack);
	attack_expect_finished(&attack);
	cr_expect_not_null(strstr(plain, "CapEff:\t0000000000000000\n"), "%s", plain);
	/* The uid of a run is its own: what must not change is everything but that number. */
	const char *ours = strstr(plain, "CapInh"), *theirs = strstr(attack.result.out, "CapInh");
	cr_expect_str_eq(theirs ? theirs : attack.result.out, ours ? ours : "", "%s", program);
	cr_expect_null(strstr(attack.result.out, "Uid:\t0"), "%s: %s", program, attack.result.out);
	cr_expect_null(strstr(attack.result.out, "\t0\t"), "%s: %s", program, attack.result.out);
	free(plain);
	attack_close(&attack);
}

Test(attacks, FS6_setuid_and_file_capabilities)
{
	char *dir = open_dir();
	char *setuid_program = copy_program(dir, "setuid", 06755);

	expect_no_gain(dir, IN "/setuid");
	if (attack_is_root()) {
		char *capable = copy_program(dir, "capable", 0755);

		give_capabilities(capable);
		expect_no_gain(dir, IN "/capable");
		free(capable);
	}
	child_remove_dir(dir);
	free(setuid_program), free(dir);
}

Test(attacks, FS6_device_nodes)
{
	const char *argv[] = {ATTACK_INSIDE "/files", "nodes", IN, NULL};
	char *dir = open_dir(), *null = join(dir, "null"), *disk = join(dir, "disk");
	bool root = attack_is_root();
	struct attack attack;

	if (root) {
		cr_assert_eq(mknod(null, S_IFCHR | 0666, makedev(1, 3)), 0);
		cr_assert_eq(mknod(disk, S_IFBLK | 0666, makedev(7, 0)), 0);
		cr_assert_eq(chmod(null, 0666), 0);
		cr_assert_eq(chmod(disk, 0666), 0);
	}
	attack_open(&attack, argv);
	give(&attack, dir);
	attack_run(&attack);
	attack_expect_finished(&attack);
	cr_expect_str_eq(attack_said(attack.result.out, "open-null"), root ? "EACCES" : "ENOENT");
	cr_expect_str_eq(attack_said(attack.result.out, "open-disk"), root ? "EACCES" : "ENOENT");
	cr_expect_str_eq(attack_said(attack.result.out, "mknod-chr"), "EPERM");
	cr_expect_str_eq(attack_said(attack.result.out, "mknod-blk"), "EPERM");
	cr_expect_null(strstr(attack.result.out, "suid ok"), "%s", attack.result.out);
	attack_close(&attack);
	child_remove_dir(dir);
	free(null), free(disk), free(dir);
}

/* The run directory lies in what the run was given: it is as read-only there as all of it. */
Test(attacks, FS8_report_inside_a_mount)
{
	const char *argv[] = {ATTACK_INSIDE "/files", "write", IN, IN "/runs", NULL};
	struct attack attack;

	attack_open(&attack, argv);
	cr_assert_eq(chmod(attack.dir, 0755), 0);
	make_file(attack.dir, "file", "given");
	give(&attack, attack.dir);
	attack_run(&attack);
	attack_expect_finished(&attack);
	expect_untouched(attack.result.out, 2);
	attack_close(&attack);
}

/* Through a link's directory and back: that is the link's place again. */
Test(attacks, FS8_report_beside_what_a_link_leads_to)
{
	char *dir = open_dir(), *link = join(dir, "link"), *path = join(dir, "link/..");
	const char *argv[] = {"safe-run", "run", "--workdir", path, "--", "/bin/true", NULL};
	struct child_result result;

	make_dir(dir, "real");
	make_dir(dir, "real/deep");
	cr_assert_eq(symlink("real/deep", link), 0);
	child_run(argv, NULL, 0, NULL, &result);
	cr_expect_eq(result.status, 125, "%d", result.status);
	cr_expect_not_null(strstr(result.err, "ends in .."), "%s", result.err);
	child_release(&result);
	child_remove_dir(dir);
	free(path), free(link), free(dir);
}

/* A link where run directories should go may lead elsewhere by the time they are written. */
Test(attacks, FS8_report_behind_a_link)
{
	char *dir = open_dir(), *real = join(dir, "real"), *link = join(dir, "link");
	static const char *const spellings[] = {"", "/", "//", "/.", "/./", "/.//."};

	make_dir(dir, "real");
	cr_assert_eq(symlink(real, link), 0);
	for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
		struct child_result result;
		char *path;

		cr_assert_gt(asprintf(&path, "%s%s", link, spellings[i]), 0);
		const char *argv[] = {"safe-run", "run",       "--workdir", path,
				      "--",	  "/bin/true", NULL};
		child_run(argv, NULL, 0, NULL, &result);
		cr_expect_eq(result.status, 125, "%s: %d", path, result.status);
		cr_expect_not_null(strstr(result.err, "is a link"), "%s: %s", path, result.err);
		cr_expect_eq(rmdir(real), 0, "%s: something was written behind the link", path);
		make_dir(dir, "real");
		child_release(&result);
		free(path);
	}
	child_remove_dir(dir);
	free(link), free(real), free(dir);
}
