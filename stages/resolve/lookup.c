/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/resolve/lookup.h"

#include "ipc/buf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORT	   53
#define LENGTH	   2 /* of TCP's frame */
#define UDP_BUFFER 4096
#define UDP_BATCH  16

uint64_t lookup_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void end_try(struct lookup *lookup)
{
	if (lookup->fd >= 0)
		close(lookup->fd);
	lookup->fd = -1;
	lookup->sent = lookup->reply_len = 0;
}

static void decide(struct lookup *lookup, enum lookup_outcome outcome)
{
	end_try(lookup);
	lookup->outcome = outcome;
}

/* Over UDP each letter's case is one more bit that a forger has to know. */
static bool compose(struct lookup *lookup)
{
	uint8_t noise[2 + DNS_NAME_WIRE_MAX];
	uint8_t *question = lookup->query + LENGTH + 12;
	size_t len;

	if (getrandom(noise, sizeof noise, 0) != (ssize_t)sizeof noise)
		return false;
	len = dns_query_write(lookup->name, (uint16_t)(noise[0] << 8 | noise[1]),
			      lookup->query + LENGTH);
	if (len == 0)
		return false;
	lookup->query_len = len;
	lookup->query[0] = (uint8_t)(len >> 8);
	lookup->query[1] = (uint8_t)len;
	for (size_t i = 0; !lookup->tcp && i < len - 12 - 4; i++)
		if (question[i] >= 'a' && question[i] <= 'z' && (noise[2 + i] & 1) != 0)
			question[i] ^= 0x20;
	return true;
}

static bool open_socket(struct lookup *lookup, uint32_t server)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(server)};
	const int type = lookup->tcp ? SOCK_STREAM : SOCK_DGRAM;

	lookup->fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (lookup->fd < 0)
		return false;
	if (connect(lookup->fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return true;
	return lookup->tcp && errno == EINPROGRESS;
}

static void fail_try(struct lookup *lookup, enum lookup_outcome failure, int error_number)
{
	lookup->failure = failure;
	if (error_number != 0)
		lookup->error_number = error_number;
	end_try(lookup);
}

/* 0, or -1 with errno when the question cannot be sent. */
static int begin_try(struct lookup *lookup, uint64_t now_ms)
{
	const struct resolv_conf *conf = lookup->conf;

	end_try(lookup);
	lookup->foreign = 0;
	lookup->try_until_ms = now_ms + conf->try_ms;
	if (!compose(lookup)) {
		errno = EINVAL;
		return -1;
	}
	if (!open_socket(lookup, conf->servers[lookup->tries % conf->server_count]))
		return -1;
	if (lookup->tcp)
		return 0;
	return send(lookup->fd, lookup->query + LENGTH, lookup->query_len, MSG_NOSIGNAL) < 0 ? -1
											     : 0;
}

static void next_try(struct lookup *lookup, uint64_t now_ms)
{
	const unsigned most = lookup->conf->attempts * (unsigned)lookup->conf->server_count;

	while (lookup->outcome == LOOKUP_PENDING && lookup->fd < 0) {
		lookup->tcp = false;
		lookup->tries++;
		if (lookup->tries >= most)
			decide(lookup, lookup->failure);
		else if (begin_try(lookup, now_ms) < 0)
			fail_try(lookup, LOOKUP_UNREACHABLE, errno);
	}
}

static void ask_over_tcp(struct lookup *lookup, uint64_t now_ms)
{
	if (lookup->tcp) {
		fail_try(lookup, LOOKUP_MALFORMED, 0);
		return;
	}
	lookup->tcp = true;
	if (lookup->reply == NULL)
		lookup->reply = malloc(LENGTH + DNS_MESSAGE_MAX);
	if (lookup->reply == NULL)
		buf_no_memory();
	if (begin_try(lookup, now_ms) < 0)
		fail_try(lookup, LOOKUP_UNREACHABLE, errno);
}

static void take_addresses(struct lookup *lookup)
{
	for (size_t i = 0; i < lookup->addresses.count; i++) {
		if (reach_refusal(lookup->reach, lookup->addresses.items[i]) == NULL)
			continue;
		lookup->closed = lookup->addresses.items[i];
		decide(lookup, LOOKUP_CLOSED);
		return;
	}
	decide(lookup, LOOKUP_FOUND);
}

static void take_message(struct lookup *lookup, const uint8_t *message, size_t len, uint64_t now_ms)
{
	switch (dns_answer_read(message, len, lookup->query + LENGTH, lookup->query_len,
				&lookup->addresses, &lookup->rcode)) {
	case DNS_ANSWER_FOUND:
		take_addresses(lookup);
		return;
	case DNS_ANSWER_NXDOMAIN:
		decide(lookup, LOOKUP_NXDOMAIN);
		return;
	case DNS_ANSWER_NO_ADDRESS:
		decide(lookup, LOOKUP_NO_ADDRESS);
		return;
	case DNS_ANSWER_FOREIGN:
		if (lookup->tcp || ++lookup->foreign >= LOOKUP_FOREIGN_MAX)
			fail_try(lookup, LOOKUP_MALFORMED, 0);
		return;
	case DNS_ANSWER_CASE:
	case DNS_ANSWER_TRUNCATED:
		ask_over_tcp(lookup, now_ms);
		return;
	case DNS_ANSWER_FAILED:
		fail_try(lookup, LOOKUP_SERVER, 0);
		return;
	case DNS_ANSWER_MALFORMED:
		fail_try(lookup, LOOKUP_MALFORMED, 0);
		return;
	}
}

static void step_udp(struct lookup *lookup, uint64_t now_ms)
{
	uint8_t message[UDP_BUFFER];

	for (int i = 0; i < UDP_BATCH && lookup->fd >= 0 && !lookup->tcp; i++) {
		const ssize_t len = recv(lookup->fd, message, sizeof message, MSG_DONTWAIT);

		if (len < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (len < 0)
			fail_try(lookup, LOOKUP_UNREACHABLE, errno);
		else
			take_message(lookup, message, (size_t)len, now_ms);
	}
}

/* The whole frame, or what came of it so far; false when the connection is of no more use. */
static bool receive_frame(struct lookup *lookup, bool *whole)
{
	size_t want = LENGTH;
	ssize_t len;

	*whole = false;
	if (lookup->reply_len >= LENGTH)
		want += (size_t)lookup->reply[0] << 8 | lookup->reply[1];
	len = recv(lookup->fd, lookup->reply + lookup->reply_len, want - lookup->reply_len,
		   MSG_DONTWAIT);
	if (len < 0)
		return errno == EAGAIN || errno == EINTR;
	lookup->reply_len += (size_t)len;
	if (lookup->reply_len > LENGTH)
		*whole = lookup->reply_len ==
			 LENGTH + ((size_t)lookup->reply[0] << 8 | lookup->reply[1]);
	return len > 0;
}

static void step_tcp(struct lookup *lookup, uint64_t now_ms)
{
	bool whole = false;
	ssize_t len;

	if (lookup->sent < LENGTH + lookup->query_len) {
		len = send(lookup->fd, lookup->query + lookup->sent,
			   LENGTH + lookup->query_len - lookup->sent, MSG_NOSIGNAL);
		if (len >= 0)
			lookup->sent += (size_t)len;
		else if (errno != EAGAIN && errno != EINTR)
			fail_try(lookup, LOOKUP_UNREACHABLE, errno);
		return;
	}
	if (!receive_frame(lookup, &whole))
		fail_try(lookup, LOOKUP_UNREACHABLE, ECONNRESET);
	else if (whole)
		take_message(lookup, lookup->reply + LENGTH, lookup->reply_len - LENGTH, now_ms);
}

void lookup_start(struct lookup *lookup, const char *name, const struct resolv_conf *conf,
		  const struct reach *reach, uint64_t now_ms, uint64_t until_ms)
{
	*lookup = (struct lookup){.conf = conf,
				  .reach = reach,
				  .fd = -1,
				  .failure = LOOKUP_TIMEOUT,
				  .until_ms = until_ms};
	/* A name that is too long is cut here and refused by compose. */
	(void)memccpy(lookup->name, name, '\0', sizeof lookup->name - 1);
	if (begin_try(lookup, now_ms) < 0) {
		fail_try(lookup, LOOKUP_UNREACHABLE, errno);
		next_try(lookup, now_ms);
	}
}

void lookup_release(struct lookup *lookup)
{
	end_try(lookup);
	free(lookup->reply);
	lookup->reply = NULL;
}

int lookup_fd(const struct lookup *lookup)
{
	return lookup->fd;
}

short lookup_events(const struct lookup *lookup)
{
	return lookup->tcp && lookup->sent < LENGTH + lookup->query_len ? POLLOUT : POLLIN;
}

uint64_t lookup_expires(const struct lookup *lookup)
{
	return lookup->try_until_ms < lookup->until_ms ? lookup->try_until_ms : lookup->until_ms;
}

enum lookup_outcome lookup_step(struct lookup *lookup, short answer, uint64_t now_ms)
{
	if (lookup->outcome != LOOKUP_PENDING)
		return lookup->outcome;
	if (answer != 0 && lookup->tcp)
		step_tcp(lookup, now_ms);
	else if (answer != 0)
		step_udp(lookup, now_ms);
	if (lookup->outcome == LOOKUP_PENDING && now_ms >= lookup->until_ms)
		decide(lookup, LOOKUP_TIMEOUT);
	if (lookup->outcome == LOOKUP_PENDING && lookup->fd >= 0 && now_ms >= lookup->try_until_ms)
		fail_try(lookup, LOOKUP_TIMEOUT, 0);
	next_try(lookup, now_ms);
	return lookup->outcome;
}

static const char *rcode_words(unsigned rcode)
{
	switch (rcode) {
	case DNS_FORMERR:
		return "FORMERR";
	case DNS_SERVFAIL:
		return "SERVFAIL";
	case DNS_NOTIMP:
		return "NOTIMP";
	case DNS_REFUSED:
		return "REFUSED";
	default:
		return "an error";
	}
}

static void closed_fault(const struct lookup *lookup, struct fault *fault)
{
	char address[REACH_TEXT_SIZE];

	reach_address_text(lookup->closed, address);
	(void)fault_set(fault, FAULT_RUN_NETWORK, LOOKUP_PATH,
			"%s answers with %s, which is %s: no name opens that. If it is meant, add "
			"a rule with cidr: %s/32",
			lookup->name, address, reach_refusal(lookup->reach, lookup->closed),
			address);
}

void lookup_fault(const struct lookup *lookup, struct fault *fault)
{
	const char *why = "";

	switch (lookup->outcome) {
	case LOOKUP_CLOSED:
		closed_fault(lookup, fault);
		return;
	case LOOKUP_SERVER:
		(void)fault_set(fault, FAULT_RUN_NETWORK, LOOKUP_PATH,
				"%s cannot be resolved: the nameserver answers %s (%u)",
				lookup->name, rcode_words(lookup->rcode), lookup->rcode);
		return;
	case LOOKUP_UNREACHABLE:
		(void)fault_set_errno(fault, FAULT_RUN_NETWORK, lookup->error_number, LOOKUP_PATH,
				      "%s cannot be resolved: no nameserver can be asked",
				      lookup->name);
		return;
	case LOOKUP_NXDOMAIN:
		why = "there is no such name (NXDOMAIN)";
		break;
	case LOOKUP_NO_ADDRESS:
		why = "it has no IPv4 address (no A record), and a sandbox has no other network";
		break;
	case LOOKUP_TIMEOUT:
		why = "no nameserver answered in time (timeout)";
		break;
	case LOOKUP_MALFORMED:
		why = "the nameserver's answer makes no sense";
		break;
	case LOOKUP_PENDING:
	case LOOKUP_FOUND:
	case LOOKUP_OUTCOME_COUNT:
		abort();
	}
	(void)fault_set(fault, FAULT_RUN_NETWORK, LOOKUP_PATH, "%s cannot be resolved: %s",
			lookup->name, why);
}
