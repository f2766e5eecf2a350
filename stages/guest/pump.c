/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/guest/pump.h"

#include <errno.h>
#include <unistd.h>

static bool wants_more(const struct pump *pump)
{
	return pump->len == 0 && pump->from >= 0 && pump->to >= 0;
}

void pump_items(const struct pump *pump, struct pollfd *from, struct pollfd *to)
{
	*from = (struct pollfd){.fd = wants_more(pump) ? pump->from : -1, .events = POLLIN};
	*to = (struct pollfd){.fd = pump->len > 0 ? pump->to : -1, .events = POLLOUT};
}

static void fill(struct pump *pump)
{
	ssize_t len = read(pump->from, pump->data, sizeof pump->data);

	if (len > 0) {
		pump->start = 0;
		pump->len = (size_t)len;
	} else if (len == 0 || (errno != EAGAIN && errno != EINTR)) {
		pump->from = -1;
	}
}

static void drain(struct pump *pump)
{
	size_t most = pump->to_ours ? sizeof pump->data : PUMP_WRITE;
	ssize_t len =
		write(pump->to, pump->data + pump->start, pump->len < most ? pump->len : most);

	if (len > 0) {
		pump->start += (size_t)len;
		pump->len -= (size_t)len;
		pump->bytes += (uint64_t)len;
	} else if (len < 0 && errno != EAGAIN && errno != EINTR) {
		pump->to = -1;
		pump->len = 0;
	}
}

void pump_turn(struct pump *pump, const struct pollfd *from, const struct pollfd *to)
{
	if (from->fd >= 0 && from->revents != 0)
		fill(pump);
	if (to->fd >= 0 && to->revents != 0)
		drain(pump);
}

bool pump_empty(const struct pump *pump)
{
	return pump->len == 0 && (pump->from < 0 || pump->to < 0);
}
