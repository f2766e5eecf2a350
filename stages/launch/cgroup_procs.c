/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/cgroup_procs.h"

#include "stages/launch/cgroup_file.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64

uint64_t cgroup_now_ms(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000U + (uint64_t)now.tv_nsec / 1000000U;
}

int cgroup_procs_open(struct cgroup_procs *procs, int dir_fd)
{
	procs->at = 0;
	procs->len = 0;
	procs->fd = cgroup_file_open(dir_fd, "cgroup.procs", O_RDONLY);
	return procs->fd < 0 ? -1 : 0;
}

void cgroup_procs_close(struct cgroup_procs *procs)
{
	if (procs->fd >= 0)
		(void)close(procs->fd);
	procs->fd = -1;
}

static bool next_byte(struct cgroup_procs *procs, char *byte)
{
	if (procs->at == procs->len) {
		ssize_t len = procs->fd < 0 ? 0 : read(procs->fd, procs->text, sizeof(procs->text));
		if (len <= 0)
			return false;
		procs->len = (size_t)len;
		procs->at = 0;
	}
	*byte = procs->text[procs->at++];
	return true;
}

bool cgroup_procs_next(struct cgroup_procs *procs, pid_t *pid)
{
	char byte = 0;
	pid_t value = 0; /* the kernel's pids are below 2^22 (PID_MAX_LIMIT) */
	while (next_byte(procs, &byte)) {
		if (byte >= '0' && byte <= '9') {
			value = value * 10 + (byte - '0');
		} else if (value > 0) {
			*pid = value;
			return true;
		}
	}
	return false;
}

bool cgroup_procs_has(int dir_fd, pid_t pid)
{
	struct cgroup_procs procs;
	pid_t listed = 0;
	bool found = false;
	if (cgroup_procs_open(&procs, dir_fd) != 0)
		return false;
	while (!found && cgroup_procs_next(&procs, &listed))
		found = listed == pid;
	cgroup_procs_close(&procs);
	return found;
}

struct batch {
	pid_t pids[BATCH];
	struct pollfd fds[BATCH];
	nfds_t count;
};

/* The next processes that still exist, each held by a pidfd. */
static void batch_fill(struct batch *batch, struct cgroup_procs *procs)
{
	batch->count = 0;
	while (batch->count < BATCH) {
		pid_t pid = 0;
		if (!cgroup_procs_next(procs, &pid))
			return;
		int fd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (fd < 0)
			continue;
		batch->pids[batch->count] = pid;
		batch->fds[batch->count++] = (struct pollfd){.fd = fd, .events = POLLIN};
	}
}

static void batch_release(struct batch *batch)
{
	for (nfds_t i = 0; i < batch->count; i++)
		(void)close(batch->fds[i].fd);
}

static void batch_signal(const struct batch *batch, int dir_fd)
{
	struct cgroup_procs procs;
	pid_t pid = 0;
	if (cgroup_procs_open(&procs, dir_fd) != 0)
		return;
	while (cgroup_procs_next(&procs, &pid)) {
		for (nfds_t i = 0; i < batch->count; i++) {
			if (batch->pids[i] == pid)
				(void)syscall(SYS_pidfd_send_signal, batch->fds[i].fd, SIGKILL,
					      NULL, 0);
		}
	}
	cgroup_procs_close(&procs);
}

void cgroup_procs_kill(int dir_fd)
{
	struct cgroup_procs procs;
	struct batch batch;
	if (cgroup_procs_open(&procs, dir_fd) != 0)
		return;
	do {
		batch_fill(&batch, &procs);
		batch_signal(&batch, dir_fd);
		batch_release(&batch);
	} while (batch.count == BATCH);
	cgroup_procs_close(&procs);
}

/* Whether each process of the batch has ended before the time. A pidfd is readable from then on. */
static bool batch_wait(struct batch *batch, uint64_t deadline_ms)
{
	for (nfds_t i = 0; i < batch->count; i++) {
		uint64_t now = cgroup_now_ms();
		if (now >= deadline_ms || poll(&batch->fds[i], 1, (int)(deadline_ms - now)) != 1)
			return false;
	}
	return true;
}

bool cgroup_procs_wait(int dir_fd, uint64_t deadline_ms)
{
	for (;;) {
		struct cgroup_procs procs;
		struct batch batch;
		if (cgroup_procs_open(&procs, dir_fd) != 0)
			return false;
		batch_fill(&batch, &procs);
		cgroup_procs_close(&procs);
		bool ended = batch_wait(&batch, deadline_ms);
		batch_release(&batch);
		if (!ended || batch.count == 0)
			return ended;
	}
}
