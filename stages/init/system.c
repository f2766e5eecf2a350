/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/init/system.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CODE	    FAULT_RUN_LAUNCH
#define MODULES	    "/modules/"
#define ORDER_MAX   4096
#define SEED_MAX    64
#define NS_PER_S    1000000000ULL
#define INERT	    (MS_NOSUID | MS_NODEV | MS_NOEXEC)
#define COUNT(list) (sizeof(list) / sizeof(list)[0])

/* In the initramfs, and so from the artifacts whose hash the report has. */
static enum fault_code load_module(const char *name, struct fault *fault)
{
	char path[sizeof MODULES + 128];
	int fd, result;

	if (snprintf(path, sizeof path, MODULES "%s", name) >= (int)sizeof path)
		return fault_set(fault, CODE, "init.modules", "a module's name is too long");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	result = fd < 0 ? -1 : (int)syscall(SYS_finit_module, fd, "", 0);
	/* EEXIST: loaded as another's dependency, or built in. */
	if (result < 0 && errno != EEXIST) {
		(void)fault_set_errno(fault, CODE, errno, "init.modules",
				      "cannot load the kernel module %s", name);
		if (fd >= 0)
			(void)close(fd);
		return fault->code;
	}
	(void)close(fd);
	return FAULT_NONE;
}

enum fault_code system_modules(struct fault *fault)
{
	char order[ORDER_MAX];
	enum fault_code code = FAULT_NONE;
	int fd = open(MODULES "order", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, order, sizeof order - 1);
	char *rest = order;

	if (len < 0 || len == (ssize_t)sizeof order - 1)
		code = fault_set(fault, CODE, "init.modules",
				 "the initramfs has no list of modules, or one too long");
	if (fd >= 0)
		(void)close(fd);
	order[len > 0 ? len : 0] = '\0';
	for (char *name = strsep(&rest, "\n"); code == FAULT_NONE && name != NULL;
	     name = strsep(&rest, "\n"))
		if (*name != '\0')
			code = load_module(name, fault);
	return code;
}

static int mount_on(const char *type, const char *path, unsigned long flags, const char *data)
{
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return -1;
	return mount(type, path, type, flags, data);
}

static int move_to_tmpfs(void)
{
	if (mount_on("tmpfs", "/new", MS_NOSUID | MS_NODEV, "mode=0755,size=4m") < 0)
		return -1;
	if (chdir("/new") < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0)
		return -1;
	return chroot(".") < 0 || chdir("/") < 0 ? -1 : 0;
}

enum fault_code system_mount(struct fault *fault)
{
	static const struct {
		const char *type, *path;
		unsigned long flags;
	} mounts[] = {
		{"devtmpfs", "/dev", MS_NOSUID | MS_NOEXEC},
		{"proc", "/proc", INERT},
		{"sysfs", "/sys", INERT},
		{"cgroup2", "/sys/fs/cgroup", INERT},
	};

	if (move_to_tmpfs() < 0)
		return fault_set_errno(fault, CODE, errno, "init.root",
				       "cannot make a tmpfs the guest's root");
	for (size_t i = 0; i < COUNT(mounts); i++)
		if (mount_on(mounts[i].type, mounts[i].path, mounts[i].flags, NULL) < 0)
			return fault_set_errno(fault, CODE, errno, "init.root", "cannot mount %s",
					       mounts[i].path);
	return FAULT_NONE;
}

enum fault_code system_clock(uint64_t wall_ns, struct fault *fault)
{
	const struct timespec now = {.tv_sec = (time_t)(wall_ns / NS_PER_S),
				     .tv_nsec = (long)(wall_ns % NS_PER_S)};

	if (clock_settime(CLOCK_REALTIME, &now) == 0)
		return FAULT_NONE;
	return fault_set_errno(fault, CODE, errno, "init.clock", "cannot set the guest's clock");
}

/* RNDADDENTROPY and RNDRESEEDCRNG, random(4). A guest from the same images, or the same snapshot, differs
 * by this. */
enum fault_code system_seed(const uint8_t *seed, size_t len, struct fault *fault)
{
	/* struct rand_pool_info: entropy_count in bits, buf_size, and the bytes behind them. */
	int pool[2 + SEED_MAX / sizeof(int)] = {(int)len * 8, (int)len};
	int fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC);
	int result = -1;

	if (len <= SEED_MAX && fd >= 0) {
		memcpy(&pool[2], seed, len);
		result = ioctl(fd, RNDADDENTROPY, pool);
		/* Mixed in is not used yet: a machine that was saved would go on as it was saved. */
		if (result == 0)
			result = ioctl(fd, RNDRESEEDCRNG);
	}
	if (result < 0)
		(void)fault_set_errno(fault, CODE, errno, "init.seed",
				      "cannot add the host's randomness");
	if (fd >= 0)
		(void)close(fd);
	return result < 0 ? fault->code : FAULT_NONE;
}

_Noreturn void system_end(void)
{
	sync();
	/* The microvm machine has no soft-off; a reset ends it. Firecracker ends on it as well. */
	(void)reboot(RB_AUTOBOOT);
	for (;;)
		(void)pause();
}
