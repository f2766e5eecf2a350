/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/machine_root.h"

#include "ipc/object.h"
#include "stages/launch/channel.h"
#include "stages/launch/device.h"
#include "stages/launch/message.h"
#include "stages/launch/plan.h"
#include "stages/launch/root.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE FAULT_RUN_LAUNCH
#define PATH "launch.machine.root"
#define TREE "tree"

static int hand_on(int report_fd, const char *type, int fd)
{
	struct json_object *message OBJECT_CLEANUP = message_new(type);
	int result = fd < 0 ? -1 : channel_report_fd(report_fd, message, fd);
	int error_number = errno;

	if (fd >= 0)
		(void)close(fd);
	errno = error_number;
	return result;
}

static int make_tree(const struct root *root, const struct plan *plan)
{
	if (mkdirat(root->disk_fd, TREE, 0700) < 0)
		return -1;
	if (!plan->rootless &&
	    fchownat(root->disk_fd, TREE, plan->uid, plan->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	return openat(root->disk_fd, TREE, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

enum fault_code machine_root(const struct root *root, const struct plan *plan, int report_fd,
			     struct fault *fault)
{
	if (hand_on(report_fd, "sockets", root_open_workdir(root, plan)) < 0 ||
	    hand_on(report_fd, "workdir", make_tree(root, plan)) < 0)
		return fault_set_errno(fault, CODE, errno, PATH,
				       "cannot hand on the machine's directories");
	if (plan->machine.kvm)
		return device_add_kvm(root, plan, fault);
	return FAULT_NONE;
}
