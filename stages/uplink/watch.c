/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/uplink/watch.h"

#include "stages/resident.h"
#include "stages/uplink/plan.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CODE	 FAULT_RUN_NETWORK
#define PATH	 "launch.network.uplink"
#define ROUNDS	 50
#define ROUND_MS 10

/* Each outdoes those before it. */
enum news { NEWS_NONE, NEWS_LINKED, NEWS_GONE, NEWS_CHANGED };

/* Bridges tell of their ports under a family of their own, and of what is none of ours. */
static enum news news_of(const struct nlmsghdr *message, const struct veth *veth)
{
	const struct ifinfomsg *info = NLMSG_DATA(message);
	const char *name;
	const uint8_t *state;
	size_t len = 0;

	if ((message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK) ||
	    message->nlmsg_len < NLMSG_LENGTH(sizeof *info) || info->ifi_family != AF_UNSPEC ||
	    info->ifi_index != veth->index)
		return NEWS_NONE;
	if (message->nlmsg_type == RTM_DELLINK)
		return NEWS_GONE;
	name = rtnetlink_bytes(rtnetlink_find(message, sizeof *info, IFLA_IFNAME), &len);
	if (name == NULL || len > sizeof veth->name || memcmp(name, veth->name, len) != 0)
		return NEWS_CHANGED;
	if (rtnetlink_u32(rtnetlink_find(message, sizeof *info, IFLA_MASTER), 0) != 0 ||
	    rtnetlink_u32(rtnetlink_find(message, sizeof *info, IFLA_GROUP), 0) != veth_group(veth))
		return NEWS_CHANGED;
	state = rtnetlink_bytes(rtnetlink_find(message, sizeof *info, IFLA_OPERSTATE), &len);
	return state != NULL && len > 0 && *state == IF_OPER_UP ? NEWS_LINKED : NEWS_NONE;
}

static enum news more_of(enum news one, enum news other)
{
	return one > other ? one : other;
}

struct seen {
	const struct veth *veth;
	enum news news;
};

static int take_link(void *state, const struct nlmsghdr *message)
{
	struct seen *seen = state;

	seen->news = news_of(message, seen->veth);
	return 0;
}

/* Asked, where what was told does not suffice. */
static enum news look(struct rtnetlink *link, const struct veth *veth)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = veth->index};
	struct seen seen = {veth, NEWS_NONE};

	rtnetlink_begin(link, RTM_GETLINK, 0, &info, sizeof info);
	if (rtnetlink_get(link, take_link, &seen) < 0)
		return errno == ENODEV ? NEWS_GONE : NEWS_CHANGED;
	return seen.news;
}

/* One datagram: what it tells, or what is seen when some were lost; NEWS_NONE when there is none. */
static enum news hear(struct rtnetlink *link, int watch_fd, const struct veth *veth, bool *more)
{
	struct sockaddr_nl from = {.nl_family = AF_NETLINK};
	socklen_t from_len = sizeof from;
	ssize_t len = recvfrom(watch_fd, link->answer, sizeof link->answer,
			       MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&from, &from_len);
	unsigned left = (unsigned)len;
	enum news news = NEWS_NONE;

	*more = len >= 0 || errno == EINTR;
	/* ENOBUFS: more was told than the socket holds. */
	if ((len < 0 && errno == ENOBUFS) || len > (ssize_t)sizeof link->answer)
		return look(link, veth);
	if (len < 0 || from.nl_pid != 0)
		return NEWS_NONE;
	for (const struct nlmsghdr *message = (const struct nlmsghdr *)link->answer;
	     NLMSG_OK(message, left); message = NLMSG_NEXT(message, left))
		news = more_of(news, news_of(message, veth));
	return news;
}

static enum news hear_all(struct rtnetlink *link, int watch_fd, const struct veth *veth)
{
	enum news news = NEWS_NONE;
	bool more = true;

	while (more)
		news = more_of(news, hear(link, watch_fd, veth, &more));
	return news;
}

static enum fault_code tampered(const struct veth *veth, enum news news, struct fault *fault)
{
	return fault_set(fault, CODE, PATH,
			 "the run's interface %s was %s by another program while the run went on",
			 veth->name,
			 news == NEWS_GONE ? "removed" : "renamed or put into a group or bridge");
}

enum fault_code watch_begin(struct rtnetlink *link, int watch_fd, const struct veth *veth,
			    struct fault *fault)
{
	const struct veth nobody = {.index = -1};
	enum news news;

	(void)hear_all(link, watch_fd, &nobody);
	news = look(link, veth);
	return news < NEWS_GONE ? FAULT_NONE : tampered(veth, news, fault);
}

enum fault_code watch_run(struct rtnetlink *link, int watch_fd, const struct veth *veth,
			  struct record_reader *reader, enum watch_until until, bool *ended,
			  struct fault *fault)
{
	struct pollfd items[] = {{.fd = STDIN_FILENO, .events = POLLIN},
				 {.fd = watch_fd, .events = POLLIN}};
	enum fault_code code = FAULT_NONE;
	enum news news = until == WATCH_LINKED ? look(link, veth) : NEWS_NONE;

	while (code == FAULT_NONE && !*ended && (until != WATCH_LINKED || news != NEWS_LINKED)) {
		if (poll(items, 2, news < NEWS_GONE ? -1 : 0) < 0 && errno != EINTR)
			return fault_set_errno(fault, CODE, errno, PATH, "poll");
		if (items[1].revents != 0)
			news = more_of(news < NEWS_GONE ? NEWS_NONE : news,
				       hear_all(link, watch_fd, veth));
		/* The order to finish comes before sr-filter's, which removes the interface. */
		if (news >= NEWS_GONE && poll(items, 1, 0) < 0)
			return fault_set_errno(fault, CODE, errno, PATH, "poll");
		if (items[0].revents != 0)
			code = resident_look(reader, CODE, UPLINK_PLAN_PATH, ended, fault);
		else if (news >= NEWS_GONE)
			code = tampered(veth, news, fault);
	}
	return code;
}

enum fault_code watch_gone(struct rtnetlink *link, int watch_fd, struct veth *veth,
			   struct fault *fault)
{
	struct pollfd item = {.fd = watch_fd, .events = POLLIN};
	enum news news = look(link, veth);

	for (int i = 0; news < NEWS_GONE && i < ROUNDS; i++)
		if (poll(&item, 1, ROUND_MS) > 0)
			news = hear_all(link, watch_fd, veth);
	return news == NEWS_GONE ? FAULT_NONE : veth_remove(link, veth, fault);
}
