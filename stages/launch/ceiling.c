/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/ceiling.h"

#include "ipc/buf.h"
#include "ipc/event.h"
#include "ipc/object.h"
#include "stages/launch/enforcement.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#define CODE	    FAULT_HOST_LACKS
#define PATH	    "launch.host"
#define DEADLINE_NS 30000000000ULL

void ceiling_init(struct ceiling *ceiling)
{
	*ceiling = (struct ceiling){.copy_fd = -1};
	ceiling->assistant.pidfd = ceiling->assistant.out_fd = ceiling->assistant.stdin_fd = -1;
}

/*
 * What is hashed and what is parsed are one thing, whatever is done to the file meanwhile. The
 * bytes go from file to copy inside the kernel: nothing is read before confinement.
 */
static int copy_file(int fd)
{
	int copy = memfd_create("host.yaml", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ssize_t moved = 1;
	off_t size = 0;

	while (copy >= 0 && moved > 0 && size <= (off_t)CEILING_FILE_MAX) {
		moved = sendfile(copy, fd, NULL, CEILING_FILE_MAX + 1 - (size_t)size);
		size += moved > 0 ? moved : 0;
	}
	if (copy >= 0 && moved == 0 && size <= (off_t)CEILING_FILE_MAX &&
	    fcntl(copy, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) ==
		    0 &&
	    lseek(copy, 0, SEEK_SET) == 0)
		return copy;
	(void)close(copy);
	return -1;
}

/* Confinement takes the supplementary groups away. */
static bool learn_caller(struct ceiling_caller *caller)
{
	int count = getgroups(0, NULL);

	if (count < 0)
		return false;
	caller->uid = geteuid();
	caller->gid = getegid();
	caller->groups = calloc((size_t)count + 1, sizeof *caller->groups);
	if (caller->groups == NULL)
		buf_no_memory();
	count = getgroups(count, caller->groups);
	caller->group_count = count > 0 ? (size_t)count : 0;
	return count >= 0;
}

static enum fault_code start(struct ceiling *ceiling, int home_fd, struct fault *fault)
{
	const struct assistant_plan plan = {
		.home_fd = home_fd,
		.program = "sr-validate",
		.path = PATH,
		.uid = geteuid(),
		.gid = getegid(),
		.stdin_fd = ceiling->copy_fd,
		.words = {"--host-policy"},
		.word_count = 1,
		.record_max = RECORD_EVENT_MAX,
		.interrupt_fd = -1,
	};

	if (ceiling->copy_fd < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot copy " CEILING_FILE);
	if (!learn_caller(&ceiling->caller))
		return fault_set_errno(fault, CODE, errno, PATH, "cannot learn our groups");
	return assistant_start(&ceiling->assistant, &plan, fault);
}

void ceiling_open(struct ceiling *ceiling, int home_fd)
{
	int fd = ceiling_file_open(CEILING_FILE, &ceiling->fault);

	ceiling->present = fd >= 0 || ceiling->fault.code != FAULT_NONE;
	if (fd < 0)
		return;
	ceiling->copy_fd = copy_file(fd);
	(void)close(fd);
	(void)!start(ceiling, home_fd, &ceiling->fault);
}

static enum fault_code hash_copy(struct ceiling *ceiling, struct fault *fault)
{
	uint8_t value[DIGEST_SIZE];
	void *text = malloc(CEILING_FILE_MAX);
	ssize_t len;

	if (text == NULL)
		buf_no_memory();
	len = pread(ceiling->copy_fd, text, CEILING_FILE_MAX, 0);
	if (len >= 0) {
		digest_bytes(text, (size_t)len, value);
		digest_text(value, ceiling->hash);
	}
	free(text);
	return len >= 0 ? FAULT_NONE
			: fault_set_errno(fault, CODE, errno, PATH,
					  "cannot read the copy of " CEILING_FILE);
}

enum fault_code ceiling_read(struct ceiling *ceiling, int interrupt_fd, struct fault *fault)
{
	enum fault_code code;

	if (ceiling->fault.code != FAULT_NONE)
		*fault = ceiling->fault;
	if (!ceiling->present || ceiling->fault.code != FAULT_NONE)
		return ceiling->fault.code;
	ceiling->assistant.interrupt_fd = interrupt_fd;
	code = hash_copy(ceiling, fault);
	if (code == FAULT_NONE)
		code = assistant_result(&ceiling->assistant, event_boot_ns() + DEADLINE_NS,
					&ceiling->record, fault);
	return code == FAULT_NONE ? ceiling_parse(ceiling->record, &ceiling->limits, fault) : code;
}

void ceiling_release(struct ceiling *ceiling)
{
	assistant_stop(&ceiling->assistant);
	if (ceiling->copy_fd >= 0)
		(void)close(ceiling->copy_fd);
	ceiling->copy_fd = -1;
	free(ceiling->caller.groups);
	ceiling->caller.groups = NULL;
	object_release(&ceiling->record);
}

struct json_object *ceiling_describe(const struct ceiling *ceiling)
{
	struct json_object *object;

	if (ceiling->hash[0] == '\0')
		return NULL;
	object = object_new();
	object_add_string(object, "hash", ceiling->hash);
	object_add_string(object, "path", CEILING_FILE);
	return object;
}

/* No run that passes it is started; what it said is beside it, for who does not have the file. */
void ceiling_enforcement(const struct ceiling *ceiling, struct json_object *enforcement)
{
	struct json_object *evidence = ceiling_describe(ceiling);
	struct json_object *policy = NULL;

	if (evidence == NULL)
		return;
	(void)json_object_object_get_ex(ceiling->record, "hostPolicy", &policy);
	object_add_shared(evidence, "hostPolicy", policy);
	enforcement_add_text(enforcement, "host.ceiling", "compared before any effect",
			     "nothing above it", "nothing above it", evidence);
}
