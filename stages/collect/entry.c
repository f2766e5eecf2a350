/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/collect/entry.h"

#include "ipc/buf.h"
#include "ipc/canon.h"
#include "ipc/object.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CODE FAULT_RUN_INIT
#define PATH "collect.store"

static struct json_object *to_json(const struct entry *entry)
{
	struct json_object *object = object_new();
	char mode[8];

	(void)snprintf(mode, sizeof(mode), "%04o", (unsigned)entry->mode & 07777);
	object_add_string(object, "mode", mode);
	object_add_integer(object, "output", (int64_t)entry->output);
	object_add_escaped(object, "path", entry->path, strlen(entry->path));
	if (entry->refused != NULL)
		object_add_string(object, "refused", entry->refused);
	else
		object_add_null(object, "refused");
	/* Whatever a file system claims: the format has no larger number. */
	object_add_integer(object, "size",
			   entry->size > CANON_INTEGER_MAX ? CANON_INTEGER_MAX
							   : (int64_t)entry->size);
	if (entry->target != NULL)
		object_add_escaped(object, "target", entry->target, strlen(entry->target));
	else
		object_add_null(object, "target");
	object_add_string(object, "type", entry->type);
	return object;
}

static ssize_t send_message(int fd, const struct buf *text, int passed_fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec vector = {.iov_base = text->data, .iov_len = text->len};
	struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1};
	ssize_t sent;

	if (passed_fd >= 0) {
		header.msg_control = &control;
		header.msg_controllen = sizeof(control);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.align), &passed_fd, sizeof(int));
	}
	do
		sent = sendmsg(fd, &header, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent;
}

static enum fault_code await_answer(struct entry_sink *sink, struct fault *fault)
{
	ssize_t len;
	char answer;

	do
		len = read(sink->fd, &answer, sizeof(answer));
	while (len < 0 && errno == EINTR);
	if (len == 1) {
		sink->pending--;
		return FAULT_NONE;
	}
	return fault_set(fault, CODE, PATH, "sr-deposit stores no more");
}

enum fault_code entry_send(struct entry_sink *sink, const struct entry *entry, struct fault *fault)
{
	struct json_object *object OBJECT_CLEANUP = to_json(entry);
	struct buf text BUF_CLEANUP;

	buf_init(&text, ENTRY_MESSAGE_MAX);
	if (canon_write(object, &text, CODE, fault) != FAULT_NONE)
		return fault->code;
	if (text.overflowed)
		return fault_set(fault, CODE, PATH, "an entry passes %zu bytes", ENTRY_MESSAGE_MAX);
	if (sink->pending == ENTRY_WINDOW && await_answer(sink, fault) != FAULT_NONE)
		return fault->code;
	if (send_message(sink->fd, &text, entry->fd) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "sr-deposit stores no more");
	sink->pending++;
	return FAULT_NONE;
}

enum fault_code entry_settle(struct entry_sink *sink, struct fault *fault)
{
	enum fault_code code = FAULT_NONE;

	while (code == FAULT_NONE && sink->pending > 0)
		code = await_answer(sink, fault);
	return code;
}
