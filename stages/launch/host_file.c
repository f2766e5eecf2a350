/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/host_file.h"

#include "ipc/record.h"
#include "stages/launch/mount.h"
#include "stages/launch/network_egress.h"
#include "stages/launch/overlay.h"
#include "stages/launch/plan.h"
#include "stages/launch/root.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX (PLAN_PATH_MAX + 512)
#define PINNED	 "etc"
#define CLOSED	 (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

static int write_new(int etc_fd, const char *name, const char *text)
{
	int fd = openat(etc_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	int result;

	if (fd < 0)
		return -1;
	result = record_write_all(fd, text, strlen(text));
	(void)close(fd);
	return result;
}

static int write_file(int etc_fd, const char *name, const char *text)
{
	/* The host's own is bound there already: the plan decides. */
	return write_new(etc_fd, name, text) == 0 || errno == EEXIST ? 0 : -1;
}

/* A colon or newline in the work directory would shift passwd's fields. */
static const char *home_of(const struct plan *plan)
{
	return strpbrk(plan->cwd, ":\n") != NULL ? "/tmp" : plan->cwd;
}

/* One line for each address a name of the policy's was resolved to: all the sandbox can resolve. */
static int write_host(int fd, const struct plan_host *host)
{
	char line[INET_ADDRSTRLEN + PLAN_HOST_MAX + 3], address[INET_ADDRSTRLEN];

	for (size_t i = 0; i < host->address_count; i++) {
		struct in_addr in = {.s_addr = htonl(host->addresses[i])};

		(void)inet_ntop(AF_INET, &in, address, sizeof address);
		(void)snprintf(line, sizeof line, "%s %s\n", address, host->name);
		if (record_write_all(fd, line, strlen(line)) < 0)
			return -1;
	}
	return 0;
}

static int write_hosts(int etc_fd, const struct plan *plan, const char *text)
{
	int fd = openat(etc_fd, "hosts", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	int result;

	/* Another one would hide the policy's names. */
	if (fd < 0)
		return errno == EEXIST && plan->network.host_count == 0 ? 0 : -1;
	result = record_write_all(fd, text, strlen(text));
	for (size_t i = 0; result == 0 && i < plan->network.host_count; i++)
		result = write_host(fd, &plan->network.hosts[i]);
	(void)close(fd);
	return result;
}

/* The sandbox's own loopback has it; or, for a guest, the other end of its interface. */
static int write_nameserver(int etc_fd, const struct plan *plan)
{
	struct in_addr in = {.s_addr = htonl(plan->network.resolver)};
	char text[INET_ADDRSTRLEN + sizeof "nameserver \n"], address[INET_ADDRSTRLEN];

	(void)inet_ntop(AF_INET, &in, address, sizeof address);
	(void)snprintf(text, sizeof text, "nameserver %s\n",
		       plan->network.resolver != 0 ? address : NETWORK_EGRESS_NAMES);
	return write_new(etc_fd, "resolv.conf", text);
}

/* A resolver only where names are known by their wildcard alone: ours, network_egress.h. */
static int write_resolver(int etc_fd, const struct plan *plan)
{
	const bool wild = plan->network.wild;
	char text[TEXT_MAX];

	(void)snprintf(text, sizeof text,
		       "passwd: files\ngroup: files\nhosts: files%s\nservices: files\n"
		       "protocols: files\n",
		       wild ? " dns" : "");
	if (write_file(etc_fd, "nsswitch.conf", text) < 0)
		return -1;
	return wild ? write_nameserver(etc_fd, plan) : 0;
}

static int write_own_hosts(int etc_fd, const struct plan *plan)
{
	char text[TEXT_MAX];

	(void)snprintf(text, sizeof text, "127.0.0.1 localhost %s\n::1 localhost %s\n",
		       plan->hostname, plan->hostname);
	return write_hosts(etc_fd, plan, text);
}

static int write_all(int etc_fd, const struct plan *plan)
{
	char text[TEXT_MAX];

	(void)snprintf(text, sizeof text,
		       "root:x:0:0:root:/:/usr/sbin/nologin\n"
		       "safe-run:x:%u:%u:safe-run:%s:/bin/sh\n"
		       "nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
		       plan->uid, plan->gid, home_of(plan));
	if (write_file(etc_fd, "passwd", text) < 0)
		return -1;
	(void)snprintf(text, sizeof text, "root:x:0:\nsafe-run:x:%u:\nnogroup:x:65534:\n",
		       plan->gid);
	if (write_file(etc_fd, "group", text) < 0)
		return -1;
	if (write_own_hosts(etc_fd, plan) < 0)
		return -1;
	(void)snprintf(text, sizeof text, "%s\n", plan->hostname);
	if (write_file(etc_fd, "hostname", text) < 0)
		return -1;
	return write_resolver(etc_fd, plan);
}

enum fault_code host_file_write(const struct root *root, const struct plan *plan,
				struct fault *fault)
{
	int path_fd = root_place(root, "/etc", true);
	int etc_fd = path_fd < 0 ? -1 : openat(path_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = etc_fd < 0 ? -1 : write_all(etc_fd, plan);
	int error_number = errno;

	(void)close(path_fd);
	(void)close(etc_fd);
	if (result == 0)
		return FAULT_NONE;
	return fault_set_errno(fault, FAULT_RUN_LAUNCH, error_number, "launch.root.etc",
			       "cannot write the sandbox's /etc");
}

/* A directory of the private tmpfs that the workload never sees (root.h) above the root's own /etc. */
static int pin(const struct root *root, const struct plan *plan)
{
	int etc_fd = root_place(root, "/etc", true);
	int own_fd = -1, mount_fd = -1, result = -1, error_number;

	if (etc_fd >= 0 && mkdirat(root->disk_fd, PINNED, 0755) == 0)
		own_fd = openat(root->disk_fd, PINNED, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (own_fd >= 0 && write_own_hosts(own_fd, plan) == 0 &&
	    write_resolver(own_fd, plan) == 0 &&
	    (plan->network.wild || write_new(own_fd, "resolv.conf", "") == 0))
		mount_fd = overlay_mount_two(root, own_fd, etc_fd, CLOSED);
	if (mount_fd >= 0)
		result = mount_place(mount_fd, etc_fd);
	error_number = errno;
	(void)close(etc_fd);
	(void)close(own_fd);
	(void)close(mount_fd);
	errno = error_number;
	return result;
}

enum fault_code host_file_pin(const struct root *root, const struct plan *plan, struct fault *fault)
{
	if (pin(root, plan) == 0)
		return FAULT_NONE;
	return fault_set_errno(fault, FAULT_RUN_LAUNCH, errno, "launch.root.etc",
			       "cannot lay the policy's names over the root's /etc");
}
