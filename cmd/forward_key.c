/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/forward_key.h"

#include "ipc/record.h"
#include "ipc/runid.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define KEY_SIZE 32
#define HEAD	 "{\"key\":\""
#define MIDDLE	 "\",\"runId\":\""
#define TAIL	 "\",\"schemaVersion\":\"safe-run.forward-key/v1\"}"

static const char place[] = "forward-seal";

static enum fault_code refuse_errno(struct fault *fault, const char *what)
{
	return fault_set_errno(fault, FAULT_REPORT_FORWARD, errno, place, "%s", what);
}

static enum fault_code write_file(int fd, const uint8_t key[KEY_SIZE], const char *run_id,
				  struct fault *fault)
{
	char text[sizeof(HEAD MIDDLE TAIL) + 2 * (size_t)KEY_SIZE + RUNID_MAX];
	size_t len = sizeof(HEAD) - 1;
	enum fault_code code = FAULT_NONE;

	memcpy(text, HEAD, sizeof(HEAD));
	for (size_t i = 0; i < KEY_SIZE; i++, len += 2)
		snprintf(text + len, 3, "%02x", key[i]);
	len += (size_t)snprintf(text + len, sizeof(text) - len, MIDDLE "%s" TAIL, run_id);
	if (record_write_all(fd, text, len) != 0 || fsync(fd) != 0)
		code = refuse_errno(fault, "the key cannot be written");
	explicit_bzero(text, sizeof(text));
	return code;
}

static enum fault_code hand_to_seal(struct forward_key *forward, const uint8_t key[KEY_SIZE],
				    struct fault *fault)
{
	enum fault_code code = FAULT_NONE;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return refuse_errno(fault, "pipe");
	forward->seal_fd = ends[0];
	if (record_write_all(ends[1], key, KEY_SIZE) != 0)
		code = refuse_errno(fault, "the key cannot be handed over");
	close(ends[1]);
	return code;
}

enum fault_code forward_key_make(struct forward_key *forward, const char *path, const char *run_id,
				 struct fault *fault)
{
	uint8_t key[KEY_SIZE];
	enum fault_code code = FAULT_NONE;
	int fd;

	if (path == NULL)
		return FAULT_NONE;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return fault_set(fault, FAULT_REPORT_FORWARD, place,
				 "'%s' exists, and a key is never overwritten; name a new file",
				 path);
	if (fd < 0)
		return fault_set_errno(fault, FAULT_REPORT_FORWARD, errno, place,
				       "cannot make '%s'", path);
	forward->path = path;
	if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
		code = refuse_errno(fault, "there are no random bytes");
	if (code == FAULT_NONE)
		code = write_file(fd, key, run_id, fault);
	close(fd);
	if (code == FAULT_NONE)
		code = hand_to_seal(forward, key, fault);
	explicit_bzero(key, sizeof(key));
	if (code != FAULT_NONE)
		forward_key_discard(forward);
	return code;
}

void forward_key_discard(struct forward_key *forward)
{
	if (forward->path != NULL)
		(void)unlink(forward->path);
	forward->path = NULL;
}

void forward_key_close(struct forward_key *forward)
{
	if (forward->seal_fd >= 0)
		close(forward->seal_fd);
	forward->seal_fd = -1;
}
