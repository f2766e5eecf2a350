/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/channel.h"

#include "ipc/buf.h"
#include "ipc/canon.h"

#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int channel_pair(int *ours, int *theirs)
{
	int pair[2];
	int on = 1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	*ours = pair[0];
	*theirs = pair[1];
	return setsockopt(*ours, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
}

int channel_report(int fd, struct json_object *message)
{
	struct buf text BUF_CLEANUP;
	struct fault fault;
	ssize_t sent;

	buf_init(&text, CHANNEL_MESSAGE_MAX);
	if (canon_write(message, &text, FAULT_RUN_LAUNCH, &fault) != FAULT_NONE ||
	    text.overflowed) {
		errno = EMSGSIZE;
		return -1;
	}
	/* write(2): the tight filters of init and the workload know no send. SIGPIPE is ignored. */
	do
		sent = write(fd, text.data, text.len);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 0;
}

int channel_report_fd(int fd, struct json_object *message, int passed_fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct msghdr header = {
		.msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	struct buf text BUF_CLEANUP;
	struct iovec vector;
	struct fault fault;
	ssize_t sent;

	buf_init(&text, CHANNEL_MESSAGE_MAX);
	if (canon_write(message, &text, FAULT_RUN_LAUNCH, &fault) != FAULT_NONE ||
	    text.overflowed) {
		errno = EMSGSIZE;
		return -1;
	}
	vector = (struct iovec){.iov_base = text.data, .iov_len = text.len};
	header.msg_iov = &vector;
	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.align), &passed_fd, sizeof passed_fd);
	do
		sent = sendmsg(fd, &header, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 0;
}

static void take_fds(struct msghdr *header, int fds[CHANNEL_FD_MAX])
{
	for (struct cmsghdr *item = CMSG_FIRSTHDR(header); item != NULL;
	     item = CMSG_NXTHDR(header, item))
		if (item->cmsg_level == SOL_SOCKET && item->cmsg_type == SCM_RIGHTS)
			memcpy(fds, CMSG_DATA(item), item->cmsg_len - CMSG_LEN(0));
}

static ssize_t receive_fds(int fd, char *word, int fds[CHANNEL_FD_MAX])
{
	union {
		char bytes[CMSG_SPACE(CHANNEL_FD_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec vector = {.iov_base = word, .iov_len = 1};
	struct msghdr header = {.msg_iov = &vector,
				.msg_iovlen = 1,
				.msg_control = &control,
				.msg_controllen = sizeof control};
	ssize_t len;

	for (size_t i = 0; i < CHANNEL_FD_MAX; i++)
		fds[i] = -1;
	do
		len = recvmsg(fd, &header, MSG_CMSG_CLOEXEC);
	while (len < 0 && errno == EINTR);
	if (len > 0)
		take_fds(&header, fds);
	return len;
}

static ssize_t read_message(int fd, void *out, size_t size)
{
	ssize_t len;

	do
		len = read(fd, out, size);
	while (len < 0 && errno == EINTR);
	return len;
}

int channel_wait(int fd, enum channel_word expected, int fds[CHANNEL_FD_MAX])
{
	char word = CHANNEL_WORD_COUNT;
	ssize_t len =
		fds != NULL ? receive_fds(fd, &word, fds) : read_message(fd, &word, sizeof word);

	if (len > 0 && word == (char)expected)
		return 0;
	if (len >= 0)
		errno = len == 0 ? EPIPE : EPROTO;
	return -1;
}

int channel_wait_signal(int fd)
{
	unsigned char bytes[2] = {0};
	ssize_t len = read_message(fd, bytes, sizeof bytes);

	if (len == (ssize_t)sizeof bytes && bytes[0] == CHANNEL_SIGNAL)
		return bytes[1];
	if (len >= 0)
		errno = len == 0 ? EPIPE : EPROTO;
	return -1;
}

int channel_tell_signal(int fd, int number)
{
	const unsigned char bytes[2] = {CHANNEL_SIGNAL, (unsigned char)number};

	return write(fd, bytes, sizeof bytes) == (ssize_t)sizeof bytes ? 0 : -1;
}

int channel_tell_exec(int fd)
{
	const char word = CHANNEL_EXEC;

	return write(fd, &word, sizeof word) == (ssize_t)sizeof word ? 0 : -1;
}

int channel_tell(int fd, enum channel_word word, const int *fds, size_t fd_count)
{
	union {
		char bytes[CMSG_SPACE(CHANNEL_FD_MAX * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	char byte = (char)word;
	struct iovec vector = {.iov_base = &byte, .iov_len = sizeof byte};
	struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1};
	ssize_t sent;

	if (fd_count > CHANNEL_FD_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (fd_count > 0) {
		size_t size = fd_count * sizeof(int);
		struct cmsghdr *item = &control.align;

		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(size);
		item->cmsg_level = SOL_SOCKET;
		item->cmsg_type = SCM_RIGHTS;
		item->cmsg_len = CMSG_LEN(size);
		memcpy(CMSG_DATA(item), fds, size);
	}
	do
		sent = sendmsg(fd, &header, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 0;
}

static int wait_readable(int fd, int timeout_ms)
{
	struct pollfd item = {.fd = fd, .events = POLLIN};
	int ready;

	/* Signals are blocked in the launcher; EINTR comes from a stop and continue only. */
	do
		ready = poll(&item, 1, timeout_ms);
	while (ready < 0 && errno == EINTR);
	if (ready == 0)
		errno = ETIMEDOUT;
	return ready > 0 ? 0 : -1;
}

/* Room for a descriptor only where one is wanted: the kernel closes what does not fit. */
static ssize_t receive_credentials(int fd, char *text, size_t size, pid_t *sender, int *passed_fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct ucred credentials = {.pid = 0};
	struct iovec vector = {.iov_base = text, .iov_len = size};
	struct msghdr header = {.msg_iov = &vector,
				.msg_iovlen = 1,
				.msg_control = &control,
				.msg_controllen = passed_fd != NULL
							  ? sizeof control
							  : CMSG_SPACE(sizeof(struct ucred))};
	ssize_t len;

	do
		len = recvmsg(fd, &header, MSG_CMSG_CLOEXEC);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return -1;
	for (struct cmsghdr *item = CMSG_FIRSTHDR(&header); item != NULL;
	     item = CMSG_NXTHDR(&header, item)) {
		if (item->cmsg_level != SOL_SOCKET)
			continue;
		if (item->cmsg_type == SCM_CREDENTIALS)
			memcpy(&credentials, CMSG_DATA(item), sizeof credentials);
		else if (passed_fd != NULL && item->cmsg_type == SCM_RIGHTS &&
			 item->cmsg_len == CMSG_LEN(sizeof(int)))
			memcpy(passed_fd, CMSG_DATA(item), sizeof *passed_fd);
	}
	*sender = credentials.pid;
	return len;
}

static ssize_t receive_once(int fd, char *text, size_t size, pid_t *sender, int *passed_fd)
{
	return sender != NULL ? receive_credentials(fd, text, size, sender, passed_fd)
			      : read_message(fd, text, size);
}

int channel_receive(int fd, int timeout_ms, struct json_object **message, pid_t *sender)
{
	return channel_receive_fd(fd, timeout_ms, message, sender, NULL);
}

int channel_receive_fd(int fd, int timeout_ms, struct json_object **message, pid_t *sender,
		       int *passed_fd)
{
	struct fault fault;
	ssize_t len;
	char *text;
	bool parsed;

	*message = NULL;
	if (passed_fd != NULL)
		*passed_fd = -1;
	if (wait_readable(fd, timeout_ms) < 0)
		return -1;
	/* Not on the stack, where the whole of it would be cleared for every message. */
	text = malloc(CHANNEL_MESSAGE_MAX);
	if (text == NULL)
		buf_no_memory();
	len = receive_once(fd, text, CHANNEL_MESSAGE_MAX, sender, passed_fd);
	/*
	 * A peer that ended with words of ours unread resets the connection, and that is told
	 * before its last message (net/unix, sock_error): once, the message is still there.
	 */
	if (len < 0 && errno == ECONNRESET)
		len = receive_once(fd, text, CHANNEL_MESSAGE_MAX, sender, passed_fd);
	parsed = len > 0 &&
		 canon_parse(text, (size_t)len, FAULT_RUN_LAUNCH, message, &fault) == FAULT_NONE;
	free(text);
	if (len > 0 && !parsed)
		errno = EBADMSG;
	return parsed ? 1 : len == 0 ? 0 : -1;
}
