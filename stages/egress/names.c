/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/egress/names.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH	  32 /* questions taken in one turn */
#define LOCALHOST 0x7F000001U
#define LENGTH	  2

enum place {
	PLACE_UDP,
	PLACE_TCP,
	PLACE_QUESTION,
	PLACE_PEER = PLACE_QUESTION + NAMES_QUESTION_MAX
};

static void drop_peer(struct names_peer *peer)
{
	if (peer->fd >= 0)
		close(peer->fd);
	*peer = (struct names_peer){.fd = -1};
}

void names_open(struct names *names, int udp_fd, int tcp_fd, const struct resolv_conf *conf,
		struct book *book, struct tally *tally)
{
	names->world = (struct answer_world){book, tally, LOCALHOST};
	names->conf = *conf;
	names->udp_fd = udp_fd;
	names->tcp_fd = tcp_fd;
	for (size_t i = 0; i < NAMES_QUESTION_MAX; i++)
		names->questions[i].used = false;
	for (size_t i = 0; i < NAMES_PEER_MAX; i++)
		names->peers[i] = (struct names_peer){.fd = -1};
}

void names_close(struct names *names)
{
	for (size_t i = 0; i < NAMES_QUESTION_MAX; i++)
		if (names->questions[i].used)
			lookup_release(&names->questions[i].lookup);
	for (size_t i = 0; i < NAMES_PEER_MAX; i++)
		drop_peer(&names->peers[i]);
}

/* An answer nobody can take is not waited for: whoever asked asks again. */
static void send_frame(struct names_peer *peer, const uint8_t *data, size_t len)
{
	uint8_t frame[LENGTH + ANSWER_MAX];

	frame[0] = (uint8_t)(len >> 8);
	frame[1] = (uint8_t)len;
	memcpy(frame + LENGTH, data, len);
	if (peer->fd >= 0 && send(peer->fd, frame, LENGTH + len, MSG_DONTWAIT | MSG_NOSIGNAL) !=
				     (ssize_t)(LENGTH + len))
		drop_peer(peer);
	peer->waiting = false;
}

static void deliver(struct names *names, const struct names_question *to, const uint8_t *data,
		    size_t len)
{
	if (to->peer < NAMES_PEER_MAX) {
		send_frame(&names->peers[to->peer], data, len);
		return;
	}
	if (sendto(names->udp_fd, data, len, MSG_DONTWAIT, (const struct sockaddr *)&to->from,
		   sizeof to->from) < 0)
		return;
}

static size_t room_for(const struct names_question *question)
{
	return question->peer < NAMES_PEER_MAX ? ANSWER_MAX : DNS_UDP_MAX;
}

static void settle(struct names *names, struct names_question *question, uint64_t now_ms)
{
	uint8_t out[ANSWER_MAX];
	const size_t len = answer_found(&names->world, question->message, &question->question,
					&question->lookup, now_ms, out, room_for(question));

	lookup_release(&question->lookup);
	question->used = false;
	deliver(names, question, out, len);
}

static struct names_question *free_question(struct names *names)
{
	for (size_t i = 0; i < NAMES_QUESTION_MAX; i++)
		if (!names->questions[i].used)
			return &names->questions[i];
	return NULL;
}

static void ask(struct names *names, const struct names_question *from, uint64_t now_ms)
{
	struct names_question *question = free_question(names);
	uint8_t out[ANSWER_MAX];

	if (question == NULL) {
		deliver(names, from, out,
			answer_full(&names->world, from->message, &from->question, out,
				    room_for(from)));
		return;
	}
	*question = *from;
	question->used = true;
	if (question->peer < NAMES_PEER_MAX)
		names->peers[question->peer].waiting = true;
	lookup_start(&question->lookup, question->question.name, &names->conf,
		     &names->world.book->reach, now_ms, now_ms + NAMES_ASK_MS);
	if (question->lookup.outcome != LOOKUP_PENDING)
		settle(names, question, now_ms);
}

static void take(struct names *names, struct names_question *from, size_t len, uint64_t now_ms)
{
	uint8_t out[ANSWER_MAX];
	size_t out_len = 0;

	switch (answer_question(&names->world, from->message, len, now_ms, &from->question, out,
				room_for(from), &out_len)) {
	case ANSWER_NONE:
		break;
	case ANSWER_READY:
		deliver(names, from, out, out_len);
		break;
	case ANSWER_ASK:
		ask(names, from, now_ms);
		break;
	}
}

static void step_udp(struct names *names, uint64_t now_ms)
{
	for (int i = 0; i < BATCH; i++) {
		struct names_question from = {.peer = NAMES_PEER_MAX};
		socklen_t from_len = sizeof from.from;
		const ssize_t len =
			recvfrom(names->udp_fd, from.message, sizeof from.message, MSG_DONTWAIT,
				 (struct sockaddr *)&from.from, &from_len);

		if (len < 0)
			return;
		take(names, &from, (size_t)len, now_ms);
	}
}

static void step_listener(struct names *names, uint64_t now_ms)
{
	const int fd = accept4(names->tcp_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	for (size_t i = 0; i < NAMES_PEER_MAX; i++) {
		if (names->peers[i].fd >= 0)
			continue;
		names->peers[i] = (struct names_peer){.fd = fd, .until_ms = now_ms + NAMES_IDLE_MS};
		return;
	}
	close(fd);
}

/* What came of a frame; it is taken when it is whole. */
static void step_peer(struct names *names, size_t index, uint64_t now_ms)
{
	struct names_peer *peer = &names->peers[index];
	struct names_question from = {.peer = index};
	size_t want = LENGTH;
	ssize_t len;

	if (peer->len >= LENGTH)
		want += (size_t)peer->frame[0] << 8 | peer->frame[1];
	if (want > sizeof peer->frame) {
		drop_peer(peer);
		return;
	}
	len = recv(peer->fd, peer->frame + peer->len, want - peer->len, MSG_DONTWAIT);
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len <= 0) {
		drop_peer(peer);
		return;
	}
	peer->len += (size_t)len;
	if (peer->len <= LENGTH || peer->len < want)
		return;
	memcpy(from.message, peer->frame + LENGTH, want - LENGTH);
	peer->len = 0;
	peer->until_ms = now_ms + NAMES_IDLE_MS;
	take(names, &from, want - LENGTH, now_ms);
}

void names_wait(const struct names *names, struct pollfd *entries, uint64_t *soonest_ms)
{
	for (size_t i = 0; i < NAMES_POLL_MAX; i++)
		entries[i] = (struct pollfd){.fd = -1};
	entries[PLACE_UDP] = (struct pollfd){.fd = names->udp_fd, .events = POLLIN};
	entries[PLACE_TCP] = (struct pollfd){.fd = names->tcp_fd, .events = POLLIN};
	for (size_t i = 0; i < NAMES_QUESTION_MAX; i++) {
		const struct lookup *lookup = &names->questions[i].lookup;

		if (!names->questions[i].used)
			continue;
		entries[PLACE_QUESTION + i] =
			(struct pollfd){.fd = lookup_fd(lookup), .events = lookup_events(lookup)};
		if (lookup_expires(lookup) < *soonest_ms)
			*soonest_ms = lookup_expires(lookup);
	}
	for (size_t i = 0; i < NAMES_PEER_MAX; i++) {
		const struct names_peer *peer = &names->peers[i];

		if (peer->fd < 0 || peer->waiting)
			continue;
		entries[PLACE_PEER + i] = (struct pollfd){.fd = peer->fd, .events = POLLIN};
		if (peer->until_ms < *soonest_ms)
			*soonest_ms = peer->until_ms;
	}
}

void names_step(struct names *names, const struct pollfd *entries, uint64_t now_ms)
{
	for (size_t i = 0; i < NAMES_QUESTION_MAX; i++) {
		struct names_question *question = &names->questions[i];

		if (question->used &&
		    lookup_step(&question->lookup, entries[PLACE_QUESTION + i].revents, now_ms) !=
			    LOOKUP_PENDING)
			settle(names, question, now_ms);
	}
	for (size_t i = 0; i < NAMES_PEER_MAX; i++) {
		struct names_peer *peer = &names->peers[i];

		if (entries[PLACE_PEER + i].revents != 0 && peer->fd >= 0 && !peer->waiting)
			step_peer(names, i, now_ms);
		if (peer->fd >= 0 && !peer->waiting && now_ms >= peer->until_ms)
			drop_peer(peer);
	}
	if (entries[PLACE_UDP].revents != 0)
		step_udp(names, now_ms);
	if (entries[PLACE_TCP].revents != 0)
		step_listener(names, now_ms);
}
