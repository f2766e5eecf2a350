/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/firecracker.h"

#include "ipc/object.h"
#include "stages/jail/snapshot.h"
#include "stages/launch/channel.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/firecracker_api.h"
#include "stages/launch/launch.h"
#include "stages/launch/setup_part.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CODE	 FAULT_RUN_LAUNCH
#define PATH	 "launch.machine.snapshot"
#define READY	 "vsock.sock_5001" /* the control stream (stages/init/ports.h) */
#define READY_MS 120000		   /* as long as any boot may take */
#define OWN	 "/s/"		   /* the machine's directory, in its jail */

/* All a machine is made from; what it is told comes afterwards. */
bool firecracker_key(struct launch *launch, struct json_object *config)
{
	struct machine *machine = launch->machine;
	struct json_object *made OBJECT_CLEANUP = object_new();

	object_add_shared(made, "config", config);
	object_add_string(made, "firecracker", machine->vmm_hash);
	object_add_string(made, "initramfs", machine->initramfs.hash);
	object_add_string(made, "kernel", machine->kernel.hash);
	object_add_string(made, "rootfs", machine->rootfs.hash);
	return digest_json(made, machine->firecracker.key);
}

/*
 * A guest that is up connects its control stream first, whatever else it finds, and no sooner has it
 * anything to say than it is answered. So for the machine that is saved the launcher listens there: that
 * somebody has come is all it takes notice of.
 */
enum fault_code firecracker_watch_boot(struct launch *launch, struct fault *fault)
{
	struct machine *machine = launch->machine;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	uid_t uid = launch->plan->uid;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	machine->firecracker.ready_fd = fd;
	(void)snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/" READY,
		       machine->sockets_fd);
	/* Nobody is there yet to put anything in its way. */
	if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
	    fchownat(machine->sockets_fd, READY, uid, uid, AT_SYMLINK_NOFOLLOW) == 0 &&
	    listen(fd, 1) == 0)
		return FAULT_NONE;
	return fault_set_errno(fault, CODE, errno, PATH, "cannot listen for the guest");
}

static enum fault_code await_boot(const struct launch *launch, struct fault *fault)
{
	struct pollfd items[] = {{.fd = launch->machine->firecracker.ready_fd, .events = POLLIN},
				 {.fd = launch->init_fd, .events = POLLIN},
				 {.fd = launch->signal_fd, .events = POLLIN}};
	int ready;

	do
		ready = poll(items, sizeof items / sizeof items[0], READY_MS);
	while (ready < 0 && errno == EINTR);
	if (ready > 0 && items[2].revents != 0)
		return fault_set(fault, CODE, PATH, "a signal ended the run");
	if (ready > 0 && items[1].revents != 0)
		return fault_set(fault, CODE, "launch.machine.vmm",
				 "Firecracker ended before its guest was up");
	return ready > 0 ? FAULT_NONE
			 : fault_set(fault, CODE, PATH, "the guest did not come up within %d s",
				     READY_MS / 1000);
}

static struct json_object *pair(const char *name, const char *value)
{
	struct json_object *object = object_new();

	object_add_string(object, name, value);
	return object;
}

static enum fault_code create(const struct launch *launch, struct fault *fault)
{
	struct json_object *body = pair("mem_file_path", OWN SNAPSHOT_MEMORY);
	enum fault_code code;

	object_add_string(body, "snapshot_path", OWN SNAPSHOT_STATE);
	object_add_string(body, "snapshot_type", "Full");
	code = firecracker_call(launch, "PATCH", "/vm", pair("state", "Paused"), fault);
	if (code != FAULT_NONE) {
		json_object_put(body);
		return code;
	}
	return firecracker_call(launch, "PUT", "/snapshot/create", body, fault);
}

/* sr-jail takes it. Where that fails the run goes on, and says so. */
static enum fault_code keep(struct launch *launch, struct fault *fault)
{
	struct json_object *message OBJECT_CLEANUP = NULL;
	struct json_object *reason = NULL;
	const char *text;
	pid_t sender;

	if (channel_tell(launch->init_fd, CHANNEL_KEEP, NULL, 0) < 0 ||
	    channel_receive(launch->init_fd, SETUP_MS, &message, &sender) <= 0)
		return fault_set_errno(fault, CODE, errno, PATH, "sr-jail does not answer");
	if (!json_object_object_get_ex(message, "reason", &reason) ||
	    !json_object_is_type(reason, json_type_string))
		return fault_set(fault, CODE, PATH, "sr-jail told something we do not know");
	text = json_object_get_string(reason);
	launch->machine->firecracker.kept = text[0] == '\0';
	launch_note(launch, PATH, text[0] == '\0', text[0] == '\0' ? "kept" : text);
	return FAULT_NONE;
}

enum fault_code firecracker_save(struct launch *launch, struct fault *fault)
{
	struct machine *machine = launch->machine;
	enum fault_code code = await_boot(launch, fault);

	if (code == FAULT_NONE)
		code = create(launch, fault);
	if (code == FAULT_NONE)
		code = keep(launch, fault);
	/* sr-guest takes its place. A guest that goes on connects anew: it was cut off when it was saved. */
	descriptor_close(&machine->firecracker.ready_fd);
	if (code == FAULT_NONE && unlinkat(machine->sockets_fd, READY, 0) < 0)
		code = fault_set_errno(fault, CODE, errno, PATH, "cannot make room for sr-guest");
	return code;
}

static enum fault_code patch_drive(const struct launch *launch, size_t index, struct fault *fault)
{
	struct json_object *body = object_new();
	char id[32], path[64];

	(void)snprintf(id, sizeof id, "mount_%zu", index);
	(void)snprintf(path, sizeof path, "/%s.img", id);
	object_add_string(body, "drive_id", id);
	object_add_string(body, "path_on_host", path);
	(void)snprintf(path, sizeof path, "/drives/%s", id);
	return firecracker_call(launch, "PATCH", path, body, fault);
}

enum fault_code firecracker_restore(struct launch *launch, struct fault *fault)
{
	struct json_object *body = object_new();
	struct json_object *backend = pair("backend_path", "/" SNAPSHOT_MEMORY);
	enum fault_code code = firecracker_await_api(launch, fault);

	object_add_string(backend, "backend_type", "File");
	object_add(body, "mem_backend", backend);
	object_add_bool(body, "resume_vm", false);
	object_add_string(body, "snapshot_path", "/" SNAPSHOT_STATE);
	if (code != FAULT_NONE)
		json_object_put(body);
	else
		code = firecracker_call(launch, "PUT", "/snapshot/load", body, fault);
	/* Of the same number and name; what is on them is this run's. */
	for (size_t i = 0; code == FAULT_NONE && i < launch->machine->volume_count; i++)
		code = patch_drive(launch, i, fault);
	return code;
}

enum fault_code firecracker_resume(const struct launch *launch, struct fault *fault)
{
	return firecracker_call(launch, "PATCH", "/vm", pair("state", "Resumed"), fault);
}
