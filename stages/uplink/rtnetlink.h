/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UPLINK_RTNETLINK_H
#define UPLINK_RTNETLINK_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The little of rtnetlink(7) that a run's interfaces take. One request is built in place, sent, and
 * its answer waited for; what does not fit aborts, since every size is a constant of ours. The
 * kernel is the only peer: other senders' datagrams are dropped by their port, and lengths it
 * tells are held against what was received.
 */
#define RTNETLINK_SIZE 65536

struct rtnetlink {
	int fd; /* -1: none; owned */
	uint32_t sequence;
	size_t len; /* of the request */
	_Alignas(NLMSG_ALIGNTO) unsigned char request[2048];
	_Alignas(NLMSG_ALIGNTO) unsigned char answer[RTNETLINK_SIZE];
};

/* 0, or -1 with errno. */
int rtnetlink_open(struct rtnetlink *link) __attribute__((warn_unused_result));
void rtnetlink_close(struct rtnetlink *link);

/* A socket that hears of interfaces (RTMGRP_LINK); flags: SOCK_NONBLOCK or 0. -1 with errno. */
int rtnetlink_open_links(int flags) __attribute__((warn_unused_result));

/* Begin a request: its type, flags beside NLM_F_REQUEST, and the fixed part. */
void rtnetlink_begin(struct rtnetlink *link, uint16_t type, uint16_t flags, const void *fixed,
		     size_t len);
void rtnetlink_put(struct rtnetlink *link, uint16_t type, const void *data, size_t len);
void rtnetlink_put_text(struct rtnetlink *link, uint16_t type, const char *text);
void rtnetlink_put_u32(struct rtnetlink *link, uint16_t type, uint32_t value);
/* An attribute that holds others, and maybe a fixed part: where it began, for rtnetlink_end. */
size_t rtnetlink_nest(struct rtnetlink *link, uint16_t type, const void *fixed, size_t len);
void rtnetlink_end(struct rtnetlink *link, size_t began);

/* Send, and wait for the kernel's word: 0, or -1 with the errno it gave. */
int rtnetlink_ask(struct rtnetlink *link) __attribute__((warn_unused_result));

/*
 * Send, and call each for every answer (one, or with NLM_F_DUMP all). Stops with what each gives
 * when that is not 0; -1 with errno.
 */
typedef int rtnetlink_each(void *state, const struct nlmsghdr *message);
int rtnetlink_get(struct rtnetlink *link, rtnetlink_each *each, void *state)
	__attribute__((warn_unused_result));

/* The attribute of this type behind a fixed part of len bytes, or inside another; NULL. */
const struct nlattr *rtnetlink_find(const struct nlmsghdr *message, size_t len, uint16_t type);
const struct nlattr *rtnetlink_inside(const struct nlattr *outer, uint16_t type);
/* Its bytes; *len how many. */
const void *rtnetlink_bytes(const struct nlattr *attribute, size_t *len);
/* A value of four bytes, or otherwise. */
uint32_t rtnetlink_u32(const struct nlattr *attribute, uint32_t otherwise);

#endif
