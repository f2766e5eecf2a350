/* SPDX-License-Identifier: Apache-2.0 */
#ifndef USERNET_HELPER_H
#define USERNET_HELPER_H

#include "ipc/fault.h"
#include "stages/filter/net4.h"
#include "stages/usernet/program.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* One network stack at work for one run, from its start to its end. */
#define HELPER_SAID_SIZE 320
#define HELPER_MTU	 65520 /* what both take at most; no packet of this size leaves the host */
#define HELPER_NAME_MAX	 13    /* characters of the interface's name, which pasta (2023) takes */
#define HELPER_GATEWAY	 2     /* in the inside's network: slirp4netns answers for no other */
#define HELPER_ADDRESS	 100

struct helper {
	pid_t pid; /* 0: none */
	int pidfd;
	int out_fd; /* what it says */
	char said[HELPER_SAID_SIZE];
	size_t said_len;
};

#define HELPER_NONE                                                                                \
	{                                                                                          \
		.pidfd = -1, .out_fd = -1                                                          \
	}

struct helper_plan {
	const struct program *program;
	const char *interface;
	struct net4 net;     /* of the inside */
	uint32_t run_pid;    /* a process in the run's namespaces */
	int user_fd, net_fd; /* the run's namespaces */
	bool leaves;	     /* the host has a default route */
};

enum fault_code helper_start(struct helper *helper, const struct helper_plan *plan,
			     struct fault *fault) __attribute__((warn_unused_result));
/* Start it to say its version. */
enum fault_code helper_ask_version(struct helper *helper, const struct program *program,
				   struct fault *fault) __attribute__((warn_unused_result));

/* out_fd is readable: keep the beginning of what it says. 0 at its end, else 1. */
int helper_listen(struct helper *helper);
/* The last line it said; borrowed. */
const char *helper_last_words(struct helper *helper);
const char *helper_first_line(struct helper *helper);

/* Kill and reap it. May be called again. */
void helper_stop(struct helper *helper);

#endif
