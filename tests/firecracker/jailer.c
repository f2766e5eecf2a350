/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stand-in for Firecracker's jailer (docs/jailer.md), which does what that does, in its order, as
 * root: copies the executable into the jail, sets limits and cgroups, changes the root, makes devices,
 * gives the jail away, and executes it as its user, in a new pid namespace. What is not documented, is
 * given twice or is missing ends it, and so does a jail that is not as jailer's users have to make it.
 */
#include "tests/firecracker/standin.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

STANDIN_FIELDS

#define LIST_MAX 8
#define ARGS_MAX 24

extern char **environ;

enum flag {
	FLAG_ID,
	FLAG_EXEC_FILE,
	FLAG_UID,
	FLAG_GID,
	FLAG_CHROOT_BASE_DIR,
	FLAG_NETNS,
	FLAG_CGROUP_VERSION,
	FLAG_PARENT_CGROUP,
	FLAG_CGROUP,
	FLAG_RESOURCE_LIMIT,
	FLAG_NEW_PID_NS,
	FLAG_COUNT
};

static const struct {
	const char *name;
	bool value, list, needed;
} flags[FLAG_COUNT] = {
	[FLAG_ID] = {"--id", true, false, true},
	[FLAG_EXEC_FILE] = {"--exec-file", true, false, true},
	[FLAG_UID] = {"--uid", true, false, true},
	[FLAG_GID] = {"--gid", true, false, true},
	[FLAG_CHROOT_BASE_DIR] = {"--chroot-base-dir", true, false, true},
	[FLAG_NETNS] = {"--netns", true, false, false},
	[FLAG_CGROUP_VERSION] = {"--cgroup-version", true, false, false},
	[FLAG_PARENT_CGROUP] = {"--parent-cgroup", true, false, false},
	[FLAG_CGROUP] = {"--cgroup", true, true, false},
	[FLAG_RESOURCE_LIMIT] = {"--resource-limit", true, true, true},
	[FLAG_NEW_PID_NS] = {"--new-pid-ns", false, false, true},
};

struct jailer {
	const char *values[FLAG_COUNT][LIST_MAX];
	size_t counts[FLAG_COUNT];
	const char *extra[ARGS_MAX];
	size_t extra_count;
	char jail[PATH_MAX], exec_name[NAME_MAX];
	uid_t uid;
	gid_t gid;
};

_Noreturn __attribute__((format(printf, 1, 2))) static void die(const char *format, ...)
{
	va_list args;

	(void)fprintf(stderr, "jailer stand-in: ");
	va_start(args, format);
	(void)vfprintf(stderr, format, args);
	va_end(args);
	(void)fprintf(stderr, "\n");
	exit(1);
}

static void must(bool done, const char *what)
{
	if (!done)
		die("%s: %s", what, strerror(errno));
}

static enum flag find(const char *word)
{
	for (enum flag flag = 0; flag < FLAG_COUNT; flag++)
		if (strcmp(word, flags[flag].name) == 0)
			return flag;
	die("'%s' is no documented option", word);
}

static void read_options(struct jailer *jailer, int argc, char **argv)
{
	int i = 1;

	for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
		enum flag flag = find(argv[i]);

		if (jailer->counts[flag] > 0 && !flags[flag].list)
			die("%s is there twice", argv[i]);
		if (jailer->counts[flag] == LIST_MAX || (flags[flag].value && i + 1 == argc))
			die("%s: too often, or without a value", argv[i]);
		jailer->values[flag][jailer->counts[flag]++] =
			flags[flag].value ? argv[++i] : argv[i];
	}
	for (i++; i < argc && jailer->extra_count < ARGS_MAX; i++)
		jailer->extra[jailer->extra_count++] = argv[i];
	for (enum flag flag = 0; flag < FLAG_COUNT; flag++)
		if (flags[flag].needed && jailer->counts[flag] == 0)
			die("%s is missing", flags[flag].name);
}

static const char *value(const struct jailer *jailer, enum flag flag)
{
	return jailer->counts[flag] > 0 ? jailer->values[flag][0] : NULL;
}

static unsigned number(const char *text, const char *what)
{
	char *end;
	unsigned long long parsed = strtoull(text, &end, 10);

	if (*text == '\0' || *end != '\0' || parsed > UINT_MAX)
		die("%s: '%s' is no number", what, text);
	return (unsigned)parsed;
}

/* validate_instance_id: letters, digits, hyphens, at most 64. */
static void check_id(const char *id)
{
	size_t len = strlen(id);

	if (len == 0 || len > 64 ||
	    strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != len)
		die("--id '%s'", id);
}

/* VM2: root's from / down, writable for nobody else. */
static void check_parents(const char *path)
{
	char part[PATH_MAX];
	struct stat info;

	snprintf(part, sizeof part, "%s", path);
	for (;;) {
		char *slash;

		must(lstat(part[0] != '\0' ? part : "/", &info) == 0, part);
		if (!S_ISDIR(info.st_mode) || info.st_uid != 0 || (info.st_mode & 022) != 0)
			die("%s: mode %o, user %u", part, info.st_mode, info.st_uid);
		slash = strrchr(part, '/');
		if (slash == NULL)
			return;
		*slash = '\0';
	}
}

/* What was put there beforehand, and nothing else: root's, but the one directory of the machine's. */
static void check_layout(const struct jailer *jailer)
{
	static const char *const needed[] = {"config.json", "initrd", "rootfs.img", "s", "vmlinux"};
	char path[2 * PATH_MAX];
	const struct dirent *entry;
	struct stat info;
	DIR *dir = opendir(jailer->jail);

	must(dir != NULL, jailer->jail);
	for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", jailer->jail, needed[i]);
		must(lstat(path, &info) == 0, path);
	}
	while ((entry = readdir(dir)) != NULL) {
		bool sockets = strcmp(entry->d_name, "s") == 0;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(path, sizeof path, "%s/%s", jailer->jail, entry->d_name);
		must(lstat(path, &info) == 0, path);
		if (sockets ? !S_ISDIR(info.st_mode) || info.st_uid != jailer->uid ||
				      (info.st_mode & 077) != 0
			    : !S_ISREG(info.st_mode) || info.st_uid != 0 ||
				      (info.st_mode & 022) != 0 || (info.st_mode & 04) == 0)
			die("%s: mode %o, user %u", path, info.st_mode, info.st_uid);
	}
	closedir(dir);
}

static void copy_executable(const struct jailer *jailer)
{
	const char *from = value(jailer, FLAG_EXEC_FILE);
	char path[2 * PATH_MAX], block[65536];
	int in = open(from, O_RDONLY | O_CLOEXEC), out;
	ssize_t len;

	snprintf(path, sizeof path, "%s/%s", jailer->jail, jailer->exec_name);
	out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0700);
	must(in >= 0 && out >= 0, path);
	while ((len = read(in, block, sizeof block)) > 0)
		must(write(out, block, (size_t)len) == len, path);
	must(len == 0 && fchmod(out, 0755) == 0, path);
	close(in);
	close(out);
}

/* By a path that nobody else can exchange, and not where it is already. */
static void join_netns(const struct jailer *jailer)
{
	const char *path = value(jailer, FLAG_NETNS);
	struct stat before, after;
	char dir[PATH_MAX];
	int fd;

	if (path == NULL)
		return;
	snprintf(dir, sizeof dir, "%s", path);
	must(strrchr(dir, '/') != NULL, path);
	*strrchr(dir, '/') = '\0';
	check_parents(dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	must(fd >= 0 && stat("/proc/self/ns/net", &before) == 0 && fstat(fd, &after) == 0, path);
	if (before.st_dev == after.st_dev && before.st_ino == after.st_ino)
		die("--netns %s is where we are", path);
	must(setns(fd, CLONE_NEWNET) == 0, path);
	close(fd);
}

static void set_limits(const struct jailer *jailer)
{
	for (size_t i = 0; i < jailer->counts[FLAG_RESOURCE_LIMIT]; i++) {
		const char *text = jailer->values[FLAG_RESOURCE_LIMIT][i];
		struct rlimit limit;
		int resource;

		if (strncmp(text, "fsize=", 6) == 0)
			resource = RLIMIT_FSIZE;
		else if (strncmp(text, "no-file=", 8) == 0)
			resource = RLIMIT_NOFILE;
		else
			die("--resource-limit %s", text);
		limit.rlim_cur = limit.rlim_max = strtoull(strchr(text, '=') + 1, NULL, 10);
		must(limit.rlim_cur > 0 && setrlimit((__rlimit_resource_t)resource, &limit) == 0,
		     text);
	}
}

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[2 * PATH_MAX];
	int fd;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
	close(fd);
}

/* Where the controller is mounted, as /proc/mounts has it. */
static void find_hierarchy(const char *controller, bool second, char out[PATH_MAX])
{
	FILE *mounts = fopen("/proc/mounts", "re");
	char line[8192];

	must(mounts != NULL, "/proc/mounts");
	while (fgets(line, sizeof line, mounts) != NULL) {
		char dir[PATH_MAX], type[64], options[4096];

		if (sscanf(line, "%*s %4095s %63s %4095s", dir, type, options) != 3 ||
		    strcmp(type, second ? "cgroup2" : "cgroup") != 0)
			continue;
		for (char *rest = options, *option = strsep(&rest, ","); option != NULL;
		     option = strsep(&rest, ","))
			if (second || strcmp(option, controller) == 0) {
				snprintf(out, PATH_MAX, "%s", dir);
				fclose(mounts);
				return;
			}
	}
	die("no hierarchy of %s", controller);
}

static void enable_controller(const char *root, const char *parent, const char *controller)
{
	char path[PATH_MAX], word[72];

	snprintf(word, sizeof word, "+%s", controller);
	snprintf(path, sizeof path, "%s", root);
	write_file(path, "cgroup.subtree_control", word);
	for (const char *at = parent; *at != '\0';) {
		size_t len = strcspn(at, "/"), used = strlen(path);

		snprintf(path + used, sizeof path - used, "/%.*s", (int)len, at);
		write_file(path, "cgroup.subtree_control", word);
		at += len + (at[len] == '/');
	}
}

static void set_cgroups(const struct jailer *jailer)
{
	const char *parent = value(jailer, FLAG_PARENT_CGROUP);
	bool second = false;
	char pid[16];

	snprintf(pid, sizeof pid, "%d", getpid());
	if (jailer->counts[FLAG_CGROUP] > 0) {
		if (parent == NULL || value(jailer, FLAG_CGROUP_VERSION) == NULL)
			die("--cgroup without --parent-cgroup or --cgroup-version");
		second = number(value(jailer, FLAG_CGROUP_VERSION), "--cgroup-version") == 2;
		if (parent[0] == '/' || strstr(parent, "..") != NULL)
			die("--parent-cgroup %s", parent);
	}
	for (size_t i = 0; i < jailer->counts[FLAG_CGROUP]; i++) {
		char setting[256], controller[64], root[PATH_MAX], dir[2 * PATH_MAX + 128];
		char *equals;

		snprintf(setting, sizeof setting, "%s", jailer->values[FLAG_CGROUP][i]);
		equals = strchr(setting, '=');
		if (equals == NULL || strchr(equals + 1, '=') != NULL || equals[1] == '\0')
			die("--cgroup %s", setting);
		*equals = '\0';
		snprintf(controller, sizeof controller, "%.*s", (int)strcspn(setting, "."),
			 setting);
		find_hierarchy(controller, second, root);
		if (second)
			enable_controller(root, parent, controller);
		snprintf(dir, sizeof dir, "%s/%s", root, parent);
		/* jailer would make it; here it must be the run's, which is there. */
		must(access(dir, F_OK) == 0, dir);
		snprintf(dir, sizeof dir, "%s/%s/%s", root, parent, value(jailer, FLAG_ID));
		must(mkdir(dir, 0755) == 0 || errno == EEXIST, dir);
		write_file(dir, setting, equals + 1);
		write_file(dir, second ? "cgroup.procs" : "tasks", pid);
	}
}

static void change_root(const char *jail)
{
	must(unshare(CLONE_NEWNS) == 0, "unshare");
	must(mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) == 0, "slave");
	must(mount(jail, jail, NULL, MS_BIND | MS_REC, NULL) == 0, "bind");
	must(chdir(jail) == 0, "chdir");
	must(mkdir("old_root", 0600) == 0, "old_root");
	must(syscall(SYS_pivot_root, ".", "old_root") == 0, "pivot_root");
	must(chdir("/") == 0, "chdir /");
	must(umount2("old_root", MNT_DETACH) == 0, "umount2");
	must(rmdir("old_root") == 0, "rmdir");
}

static void make_folder(const struct jailer *jailer, const char *path)
{
	must(mkdir(path, 0700) == 0 || errno == EEXIST, path);
	must(chmod(path, 0700) == 0 && chown(path, jailer->uid, jailer->gid) == 0, path);
}

static void make_device(const struct jailer *jailer, const char *path, unsigned major_number,
			unsigned minor_number)
{
	must(mknod(path, S_IFCHR | 0600, makedev(major_number, minor_number)) == 0, path);
	must(chown(path, jailer->uid, jailer->gid) == 0, path);
}

_Noreturn static void become_firecracker(const struct jailer *jailer)
{
	const char *argv[ARGS_MAX + 8];
	char path[NAME_MAX + 2], id[80];
	size_t count = 0;

	snprintf(path, sizeof path, "/%s", jailer->exec_name);
	snprintf(id, sizeof id, "--id=%s", value(jailer, FLAG_ID));
	argv[count++] = path;
	argv[count++] = id;
	argv[count++] = "--start-time-us=1";
	argv[count++] = "--start-time-cpu-us=0";
	argv[count++] = "--parent-cpu-time-us=1";
	for (size_t i = 0; i < jailer->extra_count; i++)
		argv[count++] = jailer->extra[i];
	argv[count] = NULL;
	must(setgroups(0, NULL) == 0 && setgid(jailer->gid) == 0 && setuid(jailer->uid) == 0,
	     "ids");
	(void)execve(path, (char *const *)argv, (char *const[]){NULL});
	die("exec: %s", strerror(errno));
}

static void start_firecracker(const struct jailer *jailer)
{
	char path[NAME_MAX + 8], text[24];
	long pid = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, 0);
	int fd;

	must(pid >= 0, "clone");
	if (pid == 0)
		become_firecracker(jailer);
	snprintf(path, sizeof path, "/%s.pid", jailer->exec_name);
	snprintf(text, sizeof text, "%ld", pid);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
}

int main(int argc, char **argv)
{
	static struct jailer jailer;
	const char *slash;

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		(void)printf("Jailer %s\n",
			     (const char *)standin_version + strlen(STANDIN_VERSION_MARK));
		return 0;
	}
	/* It closes all it inherited first of all: no path of /proc/self/fd leads anywhere. */
	for (int fd = 3; fd < 1024; fd++)
		(void)close(fd);
	if (environ != NULL && environ[0] != NULL)
		die("there is an environment");
	if (strcmp((const char *)standin_mode + strlen(STANDIN_MODE_MARK), "fails") == 0)
		die("told to fail");
	read_options(&jailer, argc, argv);
	check_id(value(&jailer, FLAG_ID));
	jailer.uid = number(value(&jailer, FLAG_UID), "--uid");
	jailer.gid = number(value(&jailer, FLAG_GID), "--gid");
	if (geteuid() != 0 || jailer.uid == 0 || jailer.gid == 0)
		die("users: mine %u, the machine's %u", geteuid(), jailer.uid);
	slash = strrchr(value(&jailer, FLAG_EXEC_FILE), '/');
	if (slash == NULL || strstr(slash, "firecracker") == NULL)
		die("--exec-file %s", value(&jailer, FLAG_EXEC_FILE));
	snprintf(jailer.exec_name, sizeof jailer.exec_name, "%s", slash + 1);
	snprintf(jailer.jail, sizeof jailer.jail, "%s/%s/%s/root",
		 value(&jailer, FLAG_CHROOT_BASE_DIR), jailer.exec_name, value(&jailer, FLAG_ID));
	check_parents(jailer.jail);
	check_layout(&jailer);
	copy_executable(&jailer);
	join_netns(&jailer);
	set_limits(&jailer);
	set_cgroups(&jailer);
	change_root(jailer.jail);
	make_folder(&jailer, "/");
	make_folder(&jailer, "/dev");
	make_folder(&jailer, "/dev/net");
	make_folder(&jailer, "/run");
	make_device(&jailer, "/dev/net/tun", 10, 200);
	make_device(&jailer, "/dev/kvm", 10, 232);
	make_device(&jailer, "/dev/urandom", 1, 9);
	start_firecracker(&jailer);
	return 0;
}
