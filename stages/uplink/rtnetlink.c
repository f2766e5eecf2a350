/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/uplink/rtnetlink.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ALIGNED(len) (((len) + 3) / 4 * 4) /* NLMSG_ALIGN and NLA_ALIGN, of sizes */
#define HEADER	     ((size_t)NLMSG_HDRLEN)
#define TYPE_MASK    0x3fff /* NLA_TYPE_MASK, unsigned short */

int rtnetlink_open(struct rtnetlink *link)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK};

	link->sequence = 0;
	link->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (link->fd < 0)
		return -1;
	return bind(link->fd, (struct sockaddr *)&address, sizeof address);
}

int rtnetlink_open_links(int flags)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_ROUTE);
	int error_number;

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	error_number = errno;
	(void)close(fd);
	errno = error_number;
	return -1;
}

void rtnetlink_close(struct rtnetlink *link)
{
	if (link->fd >= 0)
		(void)close(link->fd);
	link->fd = -1;
}

static void append(struct rtnetlink *link, const void *data, size_t len)
{
	if (len > sizeof link->request - link->len ||
	    ALIGNED(len) > sizeof link->request - link->len)
		abort();
	memset(link->request + link->len, 0, ALIGNED(len));
	if (len > 0)
		memcpy(link->request + link->len, data, len);
	link->len += ALIGNED(len);
}

void rtnetlink_begin(struct rtnetlink *link, uint16_t type, uint16_t flags, const void *fixed,
		     size_t len)
{
	struct nlmsghdr header = {.nlmsg_type = type,
				  .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
				  .nlmsg_seq = ++link->sequence};

	link->len = 0;
	append(link, &header, sizeof header);
	append(link, fixed, len);
}

void rtnetlink_put(struct rtnetlink *link, uint16_t type, const void *data, size_t len)
{
	struct nlattr attribute = {.nla_len = (uint16_t)(sizeof attribute + len), .nla_type = type};

	append(link, &attribute, sizeof attribute);
	append(link, data, len);
}

void rtnetlink_put_text(struct rtnetlink *link, uint16_t type, const char *text)
{
	rtnetlink_put(link, type, text, strlen(text) + 1);
}

void rtnetlink_put_u32(struct rtnetlink *link, uint16_t type, uint32_t value)
{
	rtnetlink_put(link, type, &value, sizeof value);
}

size_t rtnetlink_nest(struct rtnetlink *link, uint16_t type, const void *fixed, size_t len)
{
	size_t began = link->len;

	rtnetlink_put(link, type, fixed, len);
	return began;
}

void rtnetlink_end(struct rtnetlink *link, size_t began)
{
	uint16_t len = (uint16_t)(link->len - began);

	memcpy(link->request + began + offsetof(struct nlattr, nla_len), &len, sizeof len);
}

static int transmit(struct rtnetlink *link, uint16_t flags)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct nlmsghdr *header = (struct nlmsghdr *)link->request;

	header->nlmsg_len = (uint32_t)link->len;
	header->nlmsg_flags = (uint16_t)(header->nlmsg_flags | flags);
	return sendto(link->fd, link->request, link->len, 0, (struct sockaddr *)&kernel,
		      sizeof kernel) == (ssize_t)link->len
		       ? 0
		       : -1;
}

/* One datagram of the kernel's: its length, or -1 with errno. */
static ssize_t receive(struct rtnetlink *link)
{
	struct sockaddr_nl from = {.nl_family = AF_NETLINK};
	socklen_t from_len;
	ssize_t len;

	do {
		from_len = sizeof from;
		len = recvfrom(link->fd, link->answer, sizeof link->answer, MSG_TRUNC,
			       (struct sockaddr *)&from, &from_len);
	} while ((len < 0 && errno == EINTR) || (len >= 0 && from.nl_pid != 0));
	if (len > (ssize_t)sizeof link->answer) {
		errno = EMSGSIZE;
		return -1;
	}
	return len;
}

/* What ends a request: 1 and *result, or 0 when there is more to come. */
static int ending(const struct nlmsghdr *message, int *result)
{
	const struct nlmsgerr *error = NLMSG_DATA(message);

	*result = 0;
	if (message->nlmsg_type == NLMSG_DONE)
		return 1;
	if (message->nlmsg_type != NLMSG_ERROR)
		return 0;
	if (message->nlmsg_len < NLMSG_LENGTH(sizeof error->error) || error->error > 0) {
		errno = EPROTO;
		*result = -1;
	} else if (error->error < 0) {
		errno = -error->error;
		*result = -1;
	}
	return 1;
}

static int answers(struct rtnetlink *link, rtnetlink_each *each, void *state)
{
	for (;;) {
		ssize_t got = receive(link);
		unsigned left = (unsigned)got;
		int result;

		if (got < 0)
			return -1;
		for (const struct nlmsghdr *message = (const struct nlmsghdr *)link->answer;
		     NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
			if (message->nlmsg_seq != link->sequence)
				continue;
			if (ending(message, &result) != 0)
				return result;
			result = each == NULL ? 0 : each(state, message);
			if (result != 0)
				return result;
		}
	}
}

int rtnetlink_ask(struct rtnetlink *link)
{
	return transmit(link, NLM_F_ACK) < 0 ? -1 : answers(link, NULL, NULL);
}

int rtnetlink_get(struct rtnetlink *link, rtnetlink_each *each, void *state)
{
	const struct nlmsghdr *header = (const struct nlmsghdr *)link->request;
	bool dump = (header->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;

	return transmit(link, dump ? 0 : NLM_F_ACK) < 0 ? -1 : answers(link, each, state);
}

static const struct nlattr *find(const unsigned char *at, size_t len, uint16_t type)
{
	while (len >= sizeof(struct nlattr)) {
		const struct nlattr *attribute = (const struct nlattr *)at;
		size_t size = attribute->nla_len;

		if (size < sizeof(struct nlattr) || size > len)
			return NULL;
		if ((attribute->nla_type & TYPE_MASK) == type)
			return attribute;
		size = ALIGNED(size) > len ? len : ALIGNED(size);
		at += size;
		len -= size;
	}
	return NULL;
}

const struct nlattr *rtnetlink_find(const struct nlmsghdr *message, size_t len, uint16_t type)
{
	size_t before = HEADER + ALIGNED(len);

	if (message->nlmsg_len < before)
		return NULL;
	return find((const unsigned char *)message + before, message->nlmsg_len - before, type);
}

const struct nlattr *rtnetlink_inside(const struct nlattr *outer, uint16_t type)
{
	size_t len = 0;
	const void *bytes = rtnetlink_bytes(outer, &len);

	return bytes == NULL ? NULL : find(bytes, len, type);
}

const void *rtnetlink_bytes(const struct nlattr *attribute, size_t *len)
{
	if (attribute == NULL)
		return NULL;
	*len = attribute->nla_len - sizeof(struct nlattr);
	return (const unsigned char *)attribute + sizeof(struct nlattr);
}

uint32_t rtnetlink_u32(const struct nlattr *attribute, uint32_t otherwise)
{
	size_t len = 0;
	const void *bytes = rtnetlink_bytes(attribute, &len);

	if (bytes == NULL || len < sizeof otherwise)
		return otherwise;
	memcpy(&otherwise, bytes, sizeof otherwise);
	return otherwise;
}
