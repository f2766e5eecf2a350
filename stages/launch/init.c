/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/init.h"

#include "ipc/object.h"
#include "sandbox/sandbox.h"
#include "stages/launch/apart.h"
#include "stages/launch/channel.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/host_file.h"
#include "stages/launch/identity.h"
#include "stages/launch/machine_root.h"
#include "stages/launch/message.h"
#include "stages/launch/namespace.h"
#include "stages/launch/network.h"
#include "stages/launch/network_machine.h"
#include "stages/launch/plan.h"
#include "stages/launch/reaper.h"
#include "stages/launch/root.h"
#include "stages/launch/share.h"
#include "stages/launch/workload.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE FAULT_RUN_LAUNCH

_Noreturn static void fail(const struct init_arguments *arguments, const struct fault *fault)
{
	/* Nobody left to tell when the launcher is gone. */
	if (message_fail(arguments->channel_fd, fault, 0) < 0)
		_exit(EXIT_FAILURE);
	_exit(EXIT_FAILURE);
}

/*
 * A launcher that dies takes us with it. One that died before this line is seen at the next wait:
 * its end of the channel is closed.
 */
static void follow_launcher(void)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		_exit(EXIT_FAILURE);
}

/* The launcher's own pipes are not ours: the bundle's, the events', its control and record. */
static void close_inherited(const struct init_arguments *arguments)
{
	const struct plan *plan = arguments->plan;
	const int kept[] = {arguments->channel_fd, arguments->workload_channel_fd,
			    plan->stdin_fd,	   plan->stdout_fd,
			    plan->stderr_fd,	   plan->pty_fd};

	if (descriptor_keep(kept, sizeof kept / sizeof kept[0]) < 0 ||
	    descriptor_null(STDIN_FILENO) < 0 || descriptor_null(STDOUT_FILENO) < 0)
		_exit(EXIT_FAILURE);
}

/* Before the bundle: everything that is the same for every run. */
static enum fault_code start(const struct init_arguments *arguments, struct root *root,
			     struct apart *apart, struct fault *fault)
{
	bool rootless = arguments->plan->rootless;
	enum fault_code code = FAULT_NONE;

	umask(0);
	if (rootless)
		code = namespace_map_user(arguments->outer_uid, arguments->outer_gid, fault);
	/* Until "built", so that the launcher can read our namespaces; see namespace_map_user. */
	else if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		code = fault_set_errno(fault, CODE, errno, "launch.namespace", "PR_SET_DUMPABLE");
	if (code == FAULT_NONE)
		code = root_start(root, rootless, fault);
	if (code == FAULT_NONE)
		apart_learn(apart, root);
	return code;
}

/*
 * The work directory for the launcher, which hands it on to sr-collect. The descriptor outlives our
 * namespaces, and with it the tmpfs.
 */
static enum fault_code pass_workdir(const struct init_arguments *arguments, const struct root *root,
				    struct fault *fault)
{
	struct json_object *message OBJECT_CLEANUP = message_new("workdir");
	int fd, result;

	if (arguments->plan->machine.wanted)
		return machine_root(root, arguments->plan, arguments->channel_fd, fault);
	if (arguments->plan->output_count == 0)
		return FAULT_NONE;
	fd = root_open_workdir(root, arguments->plan);
	result = fd < 0 ? -1 : channel_report_fd(arguments->channel_fd, message, fd);
	if (result < 0)
		(void)fault_set_errno(fault, CODE, errno, "launch.root.workdir",
				      "cannot hand on the work directory");
	if (fd >= 0)
		(void)close(fd);
	return result < 0 ? fault->code : FAULT_NONE;
}

/* What of the host's comes in: the root's parts and the policy's mounts. */
static enum fault_code add_host(const struct init_arguments *arguments, struct apart *apart,
				int image_fd, struct fault *fault)
{
	const struct root *root = apart->root;
	const struct plan *plan = arguments->plan;
	bool own = plan->root.kind != PLAN_ROOT_HOST;
	enum fault_code code = apart_start(apart, plan, fault);

	if (code == FAULT_NONE)
		code = own ? root_tree(apart, image_fd, fault) : root_entries(apart, fault);
	/* A root of the policy's own is what it is, /etc included; but in a machine it has names. */
	if (code == FAULT_NONE && !own)
		code = host_file_write(root, plan, fault);
	else if (code == FAULT_NONE && plan->machine.guest && plan->network.wanted)
		code = host_file_pin(root, plan, fault);
	if (code == FAULT_NONE)
		code = root_workdir(root, plan, fault);
	if (code == FAULT_NONE)
		code = pass_workdir(arguments, root, fault);
	return code == FAULT_NONE ? share_mounts(apart, arguments->channel_fd, fault) : code;
}

/* image_fd is closed; -1: the root is no image. */
static enum fault_code build(const struct init_arguments *arguments, struct root *root,
			     struct apart *apart, int image_fd, struct fault *fault)
{
	struct plan *plan = arguments->plan;
	enum fault_code code = root_disk(root, plan, fault);

	if (code == FAULT_NONE)
		code = add_host(arguments, apart, image_fd, fault);
	apart_close(apart);
	(void)close(image_fd);
	/* Safe: the uts namespace is ours alone. */
	if (code == FAULT_NONE && sethostname(plan->hostname, strlen(plan->hostname)) < 0)
		code = fault_set_errno(fault, CODE, errno, "launch.hostname",
				       "cannot set the sandbox's host name");
	if (code == FAULT_NONE)
		code = root_enter(root, fault);
	if (code == FAULT_NONE &&
	    (descriptor_null(STDIN_FILENO) < 0 || descriptor_null(STDOUT_FILENO) < 0))
		code = fault_set_errno(fault, CODE, errno, "launch.streams",
				       "cannot open the sandbox's /dev/null");
	return code;
}

static void tell_built(const struct init_arguments *arguments, struct apart *apart)
{
	struct json_object *message OBJECT_CLEANUP = message_new("built");

	if (apart->shared != NULL)
		object_add(message, "shared", apart->shared);
	if (channel_report(arguments->channel_fd, message) < 0)
		_exit(EXIT_FAILURE);
}

/* The second VMM, into the same cgroup and as confined: it waits. 0: none is wanted. */
static pid_t fork_spare(const struct plan *plan, int clone_fd, const int *cgroup_fds)
{
	pid_t pid;

	if (plan->machine.spare_argv == NULL)
		return 0;
	pid = namespace_fork(clone_fd);
	if (pid == 0)
		workload_main(plan, true, plan->machine.spare_fd, cgroup_fds);
	return pid;
}

/* The version 2 cgroup comes first when there is one; the child writes itself into the others. */
static pid_t fork_workload(const struct init_arguments *arguments, pid_t *spare,
			   struct fault *fault)
{
	int fds[CHANNEL_FD_MAX];
	int clone_fd = -1;
	pid_t pid;

	if (channel_wait(arguments->channel_fd, CHANNEL_FORK, fds) < 0)
		_exit(EXIT_FAILURE);
	if (arguments->plan->cgroup_clone) {
		clone_fd = fds[0];
		fds[0] = -1;
	}
	pid = namespace_fork(clone_fd);
	if (pid == 0)
		workload_main(arguments->plan, false, arguments->workload_channel_fd, fds);
	*spare = pid < 0 ? -1 : fork_spare(arguments->plan, clone_fd, fds);
	if (*spare < 0)
		pid = -1;
	if (pid < 0)
		(void)fault_set_errno(fault, CODE, errno, "launch.fork",
				      "cannot fork the workload into its cgroup");
	return pid;
}

_Noreturn void init_main(const struct init_arguments *arguments)
{
	struct plan *plan = arguments->plan;
	struct fault fault;
	int fds[CHANNEL_FD_MAX];
	struct apart apart;
	struct root root;
	pid_t pid, spare;

	follow_launcher();
	close_inherited(arguments);
	if (start(arguments, &root, &apart, &fault) != FAULT_NONE)
		fail(arguments, &fault);
	if (channel_wait(arguments->channel_fd, CHANNEL_BUILD, fds) < 0)
		_exit(EXIT_FAILURE);
	/* A machine's are the ends of its output, and wait for the child. */
	plan->machine.out_fd = fds[0];
	plan->machine.err_fd = fds[1];
	plan->machine.spare_fd = fds[2];
	if (network_machine_open(plan, &fault) != FAULT_NONE)
		fail(arguments, &fault);
	if (plan_seal(plan) < 0)
		_exit(EXIT_FAILURE);
	if (network_pass(plan, arguments->channel_fd, &fault) != FAULT_NONE)
		fail(arguments, &fault);
	if (build(arguments, &root, &apart, plan->machine.wanted ? -1 : fds[0], &fault) !=
	    FAULT_NONE)
		fail(arguments, &fault);
	pid = fork_workload(arguments, &spare, &fault);
	/* Its interface is the VMM's alone, first or second: it ends with it. */
	if (plan->machine.tap_fd >= 0)
		(void)close(plan->machine.tap_fd);
	/* While the workload's process confines itself; it gets no CHANNEL_EXEC before "built". */
	if (pid < 0 || root_leave(&fault) != FAULT_NONE)
		fail(arguments, &fault);
	tell_built(arguments, &apart);
	/* Once hidden, its namespaces could not be read by a launcher without CAP_SYS_PTRACE. */
	if (channel_wait(arguments->channel_fd, CHANNEL_HIDE, NULL) < 0)
		_exit(EXIT_FAILURE);
	if (reaper_confine(plan, arguments->channel_fd, &fault) != FAULT_NONE)
		fail(arguments, &fault);
	reaper_loop(arguments->channel_fd, pid, spare);
}
