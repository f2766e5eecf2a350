/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-jail: starts one Firecracker under its jailer, for the launcher.
 *
 * PURPOSE  Make one machine's jail, execute jailer in it, and take the jail away again when the
 *          machine has ended, whoever ended it.
 * READS    one JailRequest in one packet on --channel-fd, then a word to go on, with the network
 *          namespace of a machine that has a network, and one to keep its snapshot; nothing else.
 * WRITES   placed, running, kept, exit or failed on --channel-fd; the jail below /srv/jailer. Its streams 1
 *          and 2 are the machine's.
 * HOLDS    root's uid, and of the capabilities what jailer needs and no more: CAP_SYS_ADMIN
 *          (unshare, mount, pivot_root, a new pid namespace; the namespaces around it),
 *          CAP_MKNOD and CAP_CHOWN (/dev of the jail, for the machine's user), CAP_SETUID and
 *          CAP_SETGID (to become that user), CAP_DAC_OVERRIDE (cgroup directories nobody may write
 *          to, directories of the user's), CAP_FOWNER (links to, and modes of, files that are not
 *          root's). They are also the bounding set: jailer is executed as root and gets exactly these,
 *          and Firecracker, another user, none.
 * FILTER   sandbox/filters/jail.filter, which jailer and Firecracker inherit: what they call, so not
 *          much; Firecracker adds its own. No Landlock, for it forbids mounting.
 * REFUSES  anything but root, a request that is not exactly what it should be, a file that is not the
 *          one whose inode was named, a directory on the way that somebody else could write to, the
 *          host's network namespace.
 * WHY NOT  in the launcher: when that has the bundle, what it executes can get no capability any more
 *          (locked securebits), and is not to. This one reads no policy, no bundle and no image.
 */
#include "ipc/object.h"
#include "stages/jail/netspace.h"
#include "stages/jail/place.h"
#include "stages/jail/request.h"
#include "stages/jail/snapshot.h"
#include "stages/jail/vmm.h"
#include "stages/launch/channel.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/message.h"
#include "stages/seal/digest.h"
#include "stages/stage.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { OPTION_CHANNEL_FD, OPTION_COUNT };

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_CHANNEL_FD] = {"channel-fd", STAGE_OPTION_FD, 0, 0, "N",
			       "a packet socket whose other end the launcher holds"},
};

static enum stage_exit jail_open(struct stage_context *context)
{
	if (!context->values[OPTION_CHANNEL_FD].given) {
		stage_complain(context->stage, "needs --channel-fd N");
		return STAGE_USAGE;
	}
	if (geteuid() == 0)
		return STAGE_DONE;
	stage_complain(context->stage, "jailer has to be started as root");
	return STAGE_FAILED;
}

static enum stage_exit jail_prewarm(struct stage_context *context)
{
	(void)context;
	return digest_prewarm() == 0 ? STAGE_DONE : STAGE_FAILED;
}

/* Where the machine's streams will be; with the user it was given. */
static enum fault_code tell_placed(const struct place *place, int channel_fd, struct fault *fault)
{
	struct json_object *message OBJECT_CLEANUP = message_new("placed");

	object_add_bool(message, "restores", place->restores);
	object_add_integer(message, "uid", place->uid);
	if (channel_report_fd(channel_fd, message, place->sockets_fd) == 0)
		return FAULT_NONE;
	return fault_set_errno(fault, FAULT_RUN_LAUNCH, errno, "launch.jail",
			       "cannot tell the launcher");
}

/* The launcher waits for an answer: a run is not lost when its snapshot is. */
static void keep_snapshot(const struct place *place, const struct request *request, int channel_fd)
{
	struct json_object *message OBJECT_CLEANUP = message_new("kept");
	struct fault fault = {.message = "no snapshot was asked for"};
	bool done = request->snapshot != NULL &&
		    snapshot_keep(place, request->snapshot, &fault) == FAULT_NONE;

	object_add_string(message, "reason", done ? "" : fault.message);
	(void)!channel_report(channel_fd, message);
}

/* One that has changed its mind closes its end: false, with code FAULT_NONE. */
static bool await_go(int channel_fd, int *netns_fd, struct fault *fault)
{
	int fds[CHANNEL_FD_MAX];

	*netns_fd = -1;
	fault->code = FAULT_NONE;
	if (channel_wait(channel_fd, CHANNEL_EXEC, fds) < 0)
		return false;
	*netns_fd = fds[0];
	for (size_t i = 1; i < CHANNEL_FD_MAX; i++)
		descriptor_close(&fds[i]);
	if (netspace_check(*netns_fd, fault) == FAULT_NONE)
		return true;
	descriptor_close(netns_fd);
	return false;
}

/* true: there was a machine, and no fault to tell. */
static bool serve(struct place *place, const struct request *request, int channel_fd,
		  struct fault *fault)
{
	struct vmm vmm;
	enum fault_code code;
	int netns_fd;

	if (place_make(place, request, fault) != FAULT_NONE ||
	    tell_placed(place, channel_fd, fault) != FAULT_NONE)
		return false;
	if (!await_go(channel_fd, &netns_fd, fault))
		return fault->code == FAULT_NONE;
	code = vmm_start(&vmm, request, place, netns_fd, channel_fd, fault);
	/* It ends with the machine, not with us. */
	descriptor_close(&netns_fd);
	if (code != FAULT_NONE)
		return false;
	while (vmm_attend(&vmm, channel_fd) && channel_wait(channel_fd, CHANNEL_KEEP, NULL) == 0)
		keep_snapshot(place, request, channel_fd);
	vmm_end(&vmm);
	return true;
}

static enum stage_exit jail_run(struct stage_context *context)
{
	int channel_fd = context->values[OPTION_CHANNEL_FD].fd;
	struct request request;
	struct place place;
	struct fault fault;
	enum stage_exit status = STAGE_DONE;

	place_init(&place);
	if (request_receive(channel_fd, &request, &fault) != FAULT_NONE ||
	    !serve(&place, &request, channel_fd, &fault)) {
		(void)!message_fail(channel_fd, &fault, 0);
		status = STAGE_REFUSED;
	}
	if (place_remove(&place) < 0) {
		stage_complain(context->stage, "cannot remove the jail of %s: %s", request.id,
			       strerror(errno));
		status = STAGE_FAILED;
	}
	request_release(&request);
	return status;
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "sr-jail",
		.summary = "start Firecracker under its jailer, for sr-launch",
		.profile = &sandbox_profile_jail,
		.options = options,
		.option_count = OPTION_COUNT,
		.survives_keyboard = true,
		.hashes = true,
		.open = jail_open,
		.prewarm = jail_prewarm,
		.run = jail_run,
	};

	return stage_main(&stage, NULL, argc, argv);
}
