/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest-init: pid 1 of the machine `make check-v2` boots.
 *
 * PURPOSE  Give the tests a Debian kernel with nothing but cgroup v2, run the plan, say how each
 *          line ended, power off.
 * READS    /guest/plan, one run a line: "root|user PROGRAM [ARG]...", and what the program wrote to
 *          TAP_FILE (Criterion's --tap).
 * WRITES   The console: what the programs print, and lines that start with "guest-".
 * WHY NOT  a shell script: delegation, uid and waiting are all there is to do, and a test machine
 *          whose pid 1 can be read in one sitting cannot quietly skip a run.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GUEST_UID    1000
#define CGROUP_ROOT  "/sys/fs/cgroup"
#define DELEGATED    CGROUP_ROOT "/delegated"
#define USER_CGROUP  DELEGATED "/tests"
#define ROOT_CGROUP  CGROUP_ROOT "/tests"
#define CONTROLLERS  "+cpu +memory +pids"
#define TAP_FILE     "/tmp/guest-tap"
#define CORE_NOTES   "/run/cores"
#define CORE_HANDLER "|/guest/build/tests/attack/core-note %P"
#define ARGUMENT_MAX 16

static _Noreturn void guest_end(const char *what)
{
	printf("guest-end %s\n", what);
	fflush(stdout);
	sync();
	/* qemu runs with -no-reboot, where a reset ends the machine; microvm has no soft-off. */
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

static _Noreturn void guest_die(const char *step)
{
	printf("guest-error %s: %s\n", step, strerror(errno));
	guest_end("error");
}

static void make_dir(const char *path, mode_t mode)
{
	if (mkdir(path, mode) && errno != EEXIST)
		guest_die(path);
	if (chmod(path, mode))
		guest_die(path);
}

static void mount_on(const char *type, const char *path, mode_t mode, const char *data)
{
	make_dir(path, mode);
	if (mount(type, path, type, MS_NOSUID, data))
		guest_die(path);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		guest_die(path);
	close(fd);
}

/*
 * The kernel never lets rootfs, where the initramfs lives, be pivoted away, and the launcher
 * pivots. So the tree is bound, directory by directory, into a tmpfs that becomes the root.
 */
static void move_to_real_root(void)
{
	static const char *const tree[] = {"bin", "etc", "guest", "lib", "lib64", "sbin", "usr"};
	char from[32], to[32];

	mount_on("tmpfs", "/new", 0755, "mode=0755");
	for (size_t i = 0; i < sizeof tree / sizeof tree[0]; i++) {
		struct stat st;

		snprintf(from, sizeof from, "/%s", tree[i]);
		snprintf(to, sizeof to, "/new/%s", tree[i]);
		if (lstat(from, &st))
			guest_die(from);
		if (S_ISLNK(st.st_mode)) {
			char target[32] = "";

			if (readlink(from, target, sizeof target - 1) < 0 || symlink(target, to))
				guest_die(to);
			continue;
		}
		make_dir(to, 0755);
		if (mount(from, to, NULL, MS_BIND, NULL))
			guest_die(to);
	}
	if (chdir("/new") || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		guest_die("root");
}

/* modprobe's work, which the kernel would ask for; there is no modprobe here. */
static void load_overlay(void)
{
	int fd = open("/guest/overlay.ko", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
		guest_die("overlay.ko");
	close(fd);
}

/* As udev makes them. */
static void link_descriptors(void)
{
	static const char *const links[][2] = {{"/proc/self/fd", "/dev/fd"},
					       {"/proc/self/fd/0", "/dev/stdin"},
					       {"/proc/self/fd/1", "/dev/stdout"},
					       {"/proc/self/fd/2", "/dev/stderr"}};

	for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
		if (symlink(links[i][0], links[i][1]))
			guest_die(links[i][1]);
	}
}

static void mount_all(void)
{
	move_to_real_root();
	load_overlay();
	mount_on("proc", "/proc", 0555, NULL);
	mount_on("sysfs", "/sys", 0555, NULL);
	mount_on("devtmpfs", "/dev", 0755, NULL);
	link_descriptors();
	mount_on("devpts", "/dev/pts", 0755, "gid=5,mode=620,ptmxmode=666");
	mount_on("tmpfs", "/dev/shm", 01777, "mode=1777");
	mount_on("tmpfs", "/run", 0755, "mode=0755");
	mount_on("tmpfs", "/tmp", 01777, "mode=1777");
	mount_on("tmpfs", "/var", 0755, "mode=0755");
	mount_on("tmpfs", "/home", 0755, "mode=0755");
	make_dir("/root", 0700);
	make_dir("/var/lib", 0755);
	make_dir("/var/tmp", 01777);
	make_dir("/home/user", 0700);
	if (chown("/home/user", GUEST_UID, GUEST_UID))
		guest_die("/home/user");
	if (mount("cgroup2", CGROUP_ROOT, "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		guest_die(CGROUP_ROOT);
}

/* What systemd's Delegate=yes does: Documentation/admin-guide/cgroup-v2.rst, "Delegation". */
static void delegate_cgroups(void)
{
	static const char *const given[] = {DELEGATED,
					    DELEGATED "/cgroup.procs",
					    DELEGATED "/cgroup.subtree_control",
					    DELEGATED "/cgroup.threads",
					    USER_CGROUP,
					    USER_CGROUP "/cgroup.procs",
					    USER_CGROUP "/cgroup.subtree_control",
					    USER_CGROUP "/cgroup.threads"};

	write_file(CGROUP_ROOT "/cgroup.subtree_control", CONTROLLERS);
	make_dir(ROOT_CGROUP, 0755);
	make_dir(DELEGATED, 0755);
	write_file(DELEGATED "/cgroup.subtree_control", CONTROLLERS);
	make_dir(USER_CGROUP, 0755);
	for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
		if (chown(given[i], GUEST_UID, GUEST_UID))
			guest_die(given[i]);
	}
}

/* As a host with a crash handler has it; it notes in CORE_NOTES that it was started. */
static void install_core_handler(void)
{
	make_dir(CORE_NOTES, 01777);
	write_file("/proc/sys/kernel/core_pattern", CORE_HANDLER);
}

/* As systemd starts its services; Linux by itself gives 4096 at most. */
static void raise_limits(void)
{
	const struct rlimit files = {1024, 524288};

	if (setrlimit(RLIMIT_NOFILE, &files))
		guest_die("RLIMIT_NOFILE");
}

static void raise_loopback(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request))
		guest_die("lo");
	close(fd);
}

static void become_user(void)
{
	if (setgroups(0, NULL) || setgid(GUEST_UID) || setuid(GUEST_UID))
		guest_die("setuid");
	setenv("HOME", "/home/user", 1);
	setenv("USER", "user", 1);
	if (chdir("/home/user"))
		guest_die("/home/user");
}

static _Noreturn void run_child(bool as_user, char *const argv[])
{
	setsid();
	write_file(as_user ? USER_CGROUP "/cgroup.procs" : ROOT_CGROUP "/cgroup.procs", "0");
	setenv("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", 1);
	setenv("HOME", "/root", 1);
	setenv("TMPDIR", "/tmp", 1);
	setenv("SAFE_RUN_BIN", "/guest/build/bin", 1);
	/* The clock and the core handler are this machine's alone: tests may turn them. */
	setenv("SAFE_RUN_TEST_MACHINE", "1", 1);
	if (as_user)
		become_user();
	execv(argv[0], argv);
	printf("guest-error %s: %s\n", argv[0], strerror(errno));
	fflush(stdout);
	_exit(127);
}

/* Wait for child, reaping whatever else pid 1 inherits. */
static int wait_for(pid_t child)
{
	int status = 0;
	pid_t pid;

	while ((pid = wait(&status)) != child) {
		if (pid < 0 && errno != EINTR)
			guest_die("wait");
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Each test's verdict, told apart from whatever the tests printed. */
static void tell_tap(void)
{
	char line[1024];
	FILE *tap = fopen(TAP_FILE, "re");

	while (tap && fgets(line, sizeof line, tap))
		printf("guest-tap %s", line);
	if (tap)
		fclose(tap);
	unlink(TAP_FILE);
}

static void run_line(char *line)
{
	struct timespec started, ended;
	static char tap_option[] = "--tap=" TAP_FILE;
	char *argv[ARGUMENT_MAX + 2] = {NULL}, *rest = NULL;
	size_t count = 0;
	const char *who = strtok_r(line, " \n", &rest);

	while (count < ARGUMENT_MAX && (argv[count] = strtok_r(NULL, " \n", &rest)))
		count++;
	if (!who || !count || (strcmp(who, "root") && strcmp(who, "user"))) {
		errno = EINVAL;
		guest_die("plan");
	}
	argv[count] = tap_option;
	printf("guest-run %s %s\n", who, argv[0]);
	fflush(stdout);
	clock_gettime(CLOCK_BOOTTIME, &started);
	pid_t child = fork();
	if (child < 0)
		guest_die("fork");
	if (!child)
		run_child(!strcmp(who, "user"), argv);
	int status = wait_for(child);
	clock_gettime(CLOCK_BOOTTIME, &ended);
	putchar('\n');
	tell_tap();
	printf("guest-status %s %s %d %ld\n", who, argv[0], status,
	       (long)(ended.tv_sec - started.tv_sec));
	fflush(stdout);
}

int main(void)
{
	char line[512];

	mount_all();
	delegate_cgroups();
	raise_loopback();
	install_core_handler();
	raise_limits();
	FILE *plan = fopen("/guest/plan", "re");
	if (!plan)
		guest_die("/guest/plan");
	while (fgets(line, sizeof line, plan))
		run_line(line);
	guest_end("complete");
}
