/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RULESET_VERSION		   1U /* LANDLOCK_CREATE_RULESET_VERSION */
#define RULE_PATH_BENEATH	   1  /* LANDLOCK_RULE_PATH_BENEATH */
#define RULE_NET_PORT		   2  /* LANDLOCK_RULE_NET_PORT */
#define NET_BIND_TCP		   (1ULL << 0)
#define NET_CONNECT_TCP		   (1ULL << 1)
#define SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define SCOPE_SIGNAL		   (1ULL << 1)

/* struct landlock_ruleset_attr as of ABI 6; older kernels take its first members. */
struct ruleset_attr {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

struct path_beneath_attr {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed));

struct net_port_attr {
	uint64_t allowed_access;
	uint64_t port; /* host byte order */
};

int landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, RULESET_VERSION);

	return abi < 0 ? 0 : (int)abi;
}

uint64_t landlock_fs_rights(int abi)
{
	uint64_t rights = SANDBOX_FS_REFER - 1; /* all of ABI 1 */

	if (abi >= 2)
		rights |= SANDBOX_FS_REFER;
	if (abi >= 3)
		rights |= SANDBOX_FS_TRUNCATE;
	if (abi >= 5)
		rights |= SANDBOX_FS_IOCTL_DEV;
	return rights;
}

static size_t ruleset_attr_fill(int abi, struct ruleset_attr *attr)
{
	*attr = (struct ruleset_attr){.handled_access_fs = landlock_fs_rights(abi)};
	if (abi >= 4)
		attr->handled_access_net = NET_BIND_TCP | NET_CONNECT_TCP;
	if (abi >= 6)
		attr->scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;
	if (abi < 4)
		return offsetof(struct ruleset_attr, handled_access_net);
	return abi < 6 ? offsetof(struct ruleset_attr, scoped) : sizeof *attr;
}

static int rule_add(int ruleset_fd, uint64_t handled, uint64_t access, int parent_fd)
{
	struct path_beneath_attr rule = {.allowed_access = access & handled,
					 .parent_fd = parent_fd};

	/* Rights this kernel does not handle are not denied, so no rule is needed for them. */
	if (rule.allowed_access == 0)
		return 0;
	return (int)syscall(SYS_landlock_add_rule, ruleset_fd, RULE_PATH_BENEATH, &rule, 0U);
}

static int path_rule_add(int ruleset_fd, uint64_t handled, const struct sandbox_path_rule *rule)
{
	int fd = open(rule->path, O_PATH | O_CLOEXEC);
	int result;

	if (fd < 0)
		return -1;
	result = rule_add(ruleset_fd, handled, rule->landlock_access, fd);
	close(fd);
	return result;
}

static int port_rules_add(int ruleset_fd, uint64_t handled, const uint16_t *ports, size_t count)
{
	for (size_t i = 0; i < count && (handled & NET_CONNECT_TCP) != 0; i++) {
		struct net_port_attr rule = {NET_CONNECT_TCP, ports[i]};

		if (syscall(SYS_landlock_add_rule, ruleset_fd, RULE_NET_PORT, &rule, 0U) < 0)
			return -1;
	}
	return 0;
}

static int rules_apply(int ruleset_fd, uint64_t handled, const struct sandbox_path_rule *paths,
		       size_t path_count, const struct sandbox_fd_rule *fds, size_t fd_count)
{
	for (size_t i = 0; i < path_count; i++)
		if (path_rule_add(ruleset_fd, handled, &paths[i]) < 0)
			return -1;
	for (size_t i = 0; i < fd_count; i++)
		if (rule_add(ruleset_fd, handled, fds[i].landlock_access, fds[i].fd) < 0)
			return -1;
	return 0;
}

/* net false: TCP is left as it is. */
static int restrict_to(const struct sandbox_path_rule *paths, size_t path_count,
		       const struct sandbox_fd_rule *fds, size_t fd_count, const uint16_t *ports,
		       size_t port_count, bool net, struct landlock_report *report)
{
	int abi = landlock_abi();
	struct ruleset_attr attr;
	size_t attr_size;
	int ruleset_fd, result, saved;

	if (abi < 1)
		return -1;
	attr_size = ruleset_attr_fill(abi, &attr);
	if (!net)
		attr.handled_access_net = 0;
	ruleset_fd = (int)syscall(SYS_landlock_create_ruleset, &attr, attr_size, 0U);
	if (ruleset_fd < 0)
		return -1;
	result = rules_apply(ruleset_fd, attr.handled_access_fs, paths, path_count, fds, fd_count);
	if (result == 0)
		result = port_rules_add(ruleset_fd, attr.handled_access_net, ports, port_count);
	if (result == 0)
		result = (int)syscall(SYS_landlock_restrict_self, ruleset_fd, 0U);
	saved = errno;
	close(ruleset_fd);
	errno = saved;
	if (report)
		*report = (struct landlock_report){abi, attr.handled_access_fs,
						   attr.handled_access_net, attr.scoped};
	return result;
}

int landlock_restrict(const struct sandbox_path_rule *paths, size_t path_count,
		      const struct sandbox_fd_rule *fds, size_t fd_count,
		      struct landlock_report *report)
{
	return restrict_to(paths, path_count, fds, fd_count, NULL, 0, true, report);
}

int landlock_restrict_files(const struct sandbox_path_rule *paths, size_t path_count,
			    const struct sandbox_fd_rule *fds, size_t fd_count,
			    struct landlock_report *report)
{
	return restrict_to(paths, path_count, fds, fd_count, NULL, 0, false, report);
}

int landlock_restrict_ports(const struct sandbox_path_rule *paths, size_t path_count,
			    const struct sandbox_fd_rule *fds, size_t fd_count,
			    const uint16_t *ports, size_t port_count,
			    struct landlock_report *report)
{
	return restrict_to(paths, path_count, fds, fd_count, ports, port_count, true, report);
}
