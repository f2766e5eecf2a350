/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/policy_input.h"

#include "ipc/record.h"
#include "stages/validate/default_policy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *kind_of(mode_t mode)
{
	if (S_ISDIR(mode))
		return "a directory";
	if (S_ISFIFO(mode))
		return "a FIFO or pipe";
	if (S_ISSOCK(mode))
		return "a socket";
	return "a device";
}

enum fault_code policy_input_open(const char *name, int *fd, struct fault *fault)
{
	struct stat status;

	if (strcmp(name, "-") == 0) {
		*fd = STDIN_FILENO;
		return FAULT_NONE;
	}
	/* O_NONBLOCK: opening a FIFO nobody writes to would wait for ever. */
	*fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (*fd < 0)
		return fault_set_errno(fault, FAULT_POLICY_MISSING, errno, "policy",
				       "cannot open the policy '%s'", name);
	memset(&status, 0, sizeof(status));
	if (fstat(*fd, &status) == 0 && S_ISREG(status.st_mode))
		return FAULT_NONE;
	close(*fd);
	*fd = -1;
	return fault_set(
		fault, FAULT_POLICY_FORMAT, "policy",
		"the policy '%s' is %s, not a regular file; --policy - reads standard input", name,
		kind_of(status.st_mode));
}

static enum fault_code put(int to_fd, const void *data, size_t len, struct fault *fault)
{
	if (record_write_all(to_fd, data, len) == 0)
		return FAULT_NONE;
	return fault_set_errno(fault, FAULT_RUN_INIT, errno, "workdir",
			       "cannot copy the policy into the run directory");
}

enum fault_code policy_input_copy(int from_fd, int to_fd, struct fault *fault)
{
	char block[16384];
	size_t left = POLICY_INPUT_MAX + 1;

	while (left > 0) {
		ssize_t len = read(from_fd, block, left < sizeof(block) ? left : sizeof(block));

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return fault_set_errno(fault, FAULT_POLICY_MISSING, errno, "policy",
					       "cannot read the policy");
		if (len == 0)
			return FAULT_NONE;
		if (put(to_fd, block, (size_t)len, fault) != FAULT_NONE)
			return fault->code;
		left -= (size_t)len;
	}
	return FAULT_NONE;
}

enum fault_code policy_input_builtin(int to_fd, struct fault *fault)
{
	return put(to_fd, default_policy, sizeof(default_policy), fault);
}
