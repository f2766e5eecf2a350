/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EGRESS_NAMES_H
#define EGRESS_NAMES_H

#include "stages/egress/answer.h"
#include "stages/resolve/resolv_conf.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The run's name service, on a UDP socket and a TCP listener that were made in its network
 * namespace: only there are they reached. Questions wait for the host's nameservers here, in
 * bounded number, and nobody waits for them.
 */
#define NAMES_QUESTION_MAX 64 /* that wait for a nameserver */
#define NAMES_PEER_MAX	   32 /* TCP connections */
#define NAMES_FRAME_MAX	   512
#define NAMES_ASK_MS	   5000
#define NAMES_IDLE_MS	   10000
#define NAMES_POLL_MAX	   (2 + NAMES_QUESTION_MAX + NAMES_PEER_MAX)

struct names_question {
	bool used;
	size_t peer; /* NAMES_PEER_MAX: it came over UDP from from */
	struct sockaddr_in from;
	uint8_t message[NAMES_FRAME_MAX];
	struct dns_question question;
	struct lookup lookup;
};

struct names_peer {
	int fd;	      /* -1: none */
	bool waiting; /* for a question of its own; it is not read meanwhile */
	uint64_t until_ms;
	uint8_t frame[2 + NAMES_FRAME_MAX];
	size_t len;
};

struct names {
	struct answer_world world;
	struct resolv_conf conf;
	int udp_fd, tcp_fd; /* -1: there is no service */
	struct names_question questions[NAMES_QUESTION_MAX];
	struct names_peer peers[NAMES_PEER_MAX];
};

void names_open(struct names *names, int udp_fd, int tcp_fd, const struct resolv_conf *conf,
		struct book *book, struct tally *tally);
void names_close(struct names *names);

/* Fill NAMES_POLL_MAX entries, and lower *soonest_ms to when something is due. */
void names_wait(const struct names *names, struct pollfd *entries, uint64_t *soonest_ms);
/* After poll(2), with the same entries. */
void names_step(struct names *names, const struct pollfd *entries, uint64_t now_ms);

#endif
