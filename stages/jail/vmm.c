/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/jail/vmm.h"

#include "stages/jail/command.h"
#include "stages/jail/image.h"
#include "stages/jail/warden.h"
#include "stages/launch/descriptor.h"

#include <errno.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CODE FAULT_RUN_LAUNCH
#define PATH "launch.jailer"

enum fault_code vmm_start(struct vmm *vmm, const struct request *request, const struct place *place,
			  int netns_fd, int channel_fd, struct fault *fault)
{
	struct warden warden = {
		.place = place, .request = request, .channel_fd = channel_fd, .netns_fd = netns_fd};
	struct clone_args args = {
		.flags = CLONE_PIDFD | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS,
		.pidfd = (uint64_t)(uintptr_t)&vmm->pidfd,
		.exit_signal = (uint64_t)SIGCHLD,
	};
	enum fault_code code;

	*vmm = (struct vmm){.pidfd = -1};
	code = command_make(&warden.command, request, place, netns_fd >= 0, fault);
	if (code != FAULT_NONE)
		return code;
	warden.jailer_fd = image_open_source(&request->jailer, fault);
	if (warden.jailer_fd < 0)
		return fault->code;
	vmm->pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
	if (vmm->pid == 0)
		warden_main(&warden);
	(void)close(warden.jailer_fd);
	if (vmm->pid > 0)
		return FAULT_NONE;
	vmm->pid = 0;
	return fault_set_errno(fault, CODE, errno, PATH, "cannot make namespaces for the jailer");
}

bool vmm_attend(const struct vmm *vmm, int channel_fd)
{
	struct pollfd items[] = {{.fd = vmm->pidfd, .events = POLLIN},
				 {.fd = channel_fd, .events = POLLIN}};

	while (poll(items, 2, -1) < 0 && errno == EINTR)
		;
	/* Its end first, and the launcher's: a word is there when the channel is not closed. */
	return items[0].revents == 0 && (items[1].revents & POLLIN) != 0;
}

void vmm_end(struct vmm *vmm)
{
	if (vmm->pid <= 0)
		return;
	/* ESRCH: it has ended already. */
	(void)pidfd_send_signal(vmm->pidfd, SIGKILL, NULL, 0);
	while (waitpid(vmm->pid, NULL, 0) < 0 && errno == EINTR)
		;
	descriptor_close(&vmm->pidfd);
	vmm->pid = 0;
}
