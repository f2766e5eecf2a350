/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/signing.h"

#include "cmd/descriptor.h"
#include "cmd/key_file.h"
#include "cmd/passphrase.h"
#include "cmd/signer_child.h"
#include "ipc/canon.h"
#include "ipc/field.h"
#include "ipc/object.h"
#include "stages/signer/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CHAIN_FILE    "../chain.ndjson"
#define ANSWER_SEC    30 /* for each answer of the signer's */
#define READY_WAIT_MS (ANSWER_SEC * 1000)

static enum fault_code refuse_errno(struct fault *fault, const char *what)
{
	return fault_set_errno(fault, FAULT_REPORT_SIGNATURE, errno, "signer", "%s", what);
}

/* The limits stay with the socket: sr-seal, which has no clock to wait by, inherits them. */
static enum fault_code limit_waiting(int fd, struct fault *fault)
{
	struct timeval limit = {.tv_sec = ANSWER_SEC};

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0)
		return FAULT_NONE;
	return refuse_errno(fault, "setsockopt");
}

static enum fault_code start_program(struct signing *signing, int key_fd, int passphrase_fd,
				     int peer_fd, const struct spawn_home *home,
				     struct fault *fault)
{
	char parent[sizeof("2147483647")];
	struct spawn spawn;

	snprintf(parent, sizeof(parent), "%d", (int)getpid());
	spawn_begin(&spawn, "sr-signer", peer_fd, STDERR_FILENO);
	spawn_fd(&spawn, "--key-fd", key_fd);
	spawn_fd(&spawn, "--passphrase-fd", passphrase_fd);
	spawn_fd(&spawn, "--peer-fd", peer_fd);
	spawn_text(&spawn, "--parent-pid", parent);
	spawn.apart = true; /* a Ctrl-C ends the command, not the signing of how it ended */
	return spawn_start(&spawn, home, &signing->signer, fault);
}

/* A plain key's signer is left for later, with *peer_fd. */
static enum fault_code start_own(struct signing *signing, const struct signing_plan *plan,
				 int *peer_fd, const struct spawn_home *home, struct fault *fault)
{
	int key_fd = -1, passphrase_fd = -1;
	enum fault_code code = key_file_open(plan->key, &key_fd, fault);

	if (code == FAULT_NONE && plan->passphrase != NULL)
		code = passphrase_open(plan->passphrase, false, &passphrase_fd, fault);
	if (code == FAULT_NONE && passphrase_fd < 0 && key_file_is_plain(key_fd)) {
		signing->key_fd = key_fd;
		signing->peer_fd = *peer_fd;
		signing->words = plan->words;
		*peer_fd = -1;
		return FAULT_NONE;
	}
	if (code == FAULT_NONE)
		code = start_program(signing, key_fd, passphrase_fd, *peer_fd, home, fault);
	descriptor_close(&key_fd);
	descriptor_close(&passphrase_fd);
	return code;
}

static enum fault_code connect_to(int fd, const char *path, struct fault *fault)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		return fault_set(fault, FAULT_REPORT_SIGNATURE, "signer",
				 "the socket's path is longer than %zu bytes",
				 sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return FAULT_NONE;
	return fault_set_errno(fault, FAULT_REPORT_SIGNATURE, errno, "signer",
			       "there is no signer to reach at '%s'", path);
}

enum fault_code signing_start(struct signing *signing, const struct signing_plan *plan,
			      const struct spawn_home *home, struct fault *fault)
{
	int ends[2] = {-1, -1};
	enum fault_code code;

	if (plan->key == NULL && plan->socket == NULL)
		return FAULT_NONE;
	if (plan->key != NULL && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return refuse_errno(fault, "socketpair");
	if (plan->key == NULL) {
		ends[0] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
		if (ends[0] < 0)
			return refuse_errno(fault, "socket");
	}
	signing->signer_fd = ends[0];
	code = limit_waiting(ends[0], fault);
	if (code == FAULT_NONE)
		code = plan->key != NULL ? start_own(signing, plan, &ends[1], home, fault)
					 : connect_to(ends[0], plan->socket, fault);
	descriptor_close(&ends[1]);
	return code;
}

static enum fault_code read_greeting(const char *packet, size_t len, struct fault *fault)
{
	struct json_object *root OBJECT_CLEANUP = NULL;
	struct json_object *errors;
	struct fields greeting, first;
	const char *message;

	if (canon_parse(packet, len, FAULT_REPORT_SIGNATURE, &root, fault) != FAULT_NONE ||
	    fields_open(&greeting, root, "signer", FAULT_REPORT_SIGNATURE, fault) != FAULT_NONE)
		return fault->code;
	if (!fields_has(&greeting, "errors"))
		return fields_literal(&greeting, "schemaVersion", SIGNER_SCHEMA, fault);
	if (fields_array(&greeting, "errors", FAULT_ARRAY_MAX, &errors, fault) != FAULT_NONE ||
	    fields_open(&first, json_object_array_get_idx(errors, 0), "signer",
			FAULT_REPORT_SIGNATURE, fault) != FAULT_NONE ||
	    fields_string(&first, "message", &message, fault) != FAULT_NONE)
		return fault->code;
	return fault_set(fault, FAULT_REPORT_SIGNATURE, "signer", "%s", message);
}

/* The greeting is looked at and left for sr-seal (MSG_PEEK); a packet comes whole or not at all. */
static enum fault_code await_greeting(int fd, struct fault *fault)
{
	struct pollfd polled = {.fd = fd, .events = POLLIN};
	char packet[SIGNER_ANSWER_MAX];
	ssize_t len;
	int ready;

	do
		ready = poll(&polled, 1, READY_WAIT_MS);
	while (ready < 0 && errno == EINTR);
	if (ready == 0)
		return fault_set(fault, FAULT_REPORT_SIGNATURE, "signer",
				 "the signer did not answer in %d s", ANSWER_SEC);
	len = recv(fd, packet, sizeof(packet), MSG_PEEK);
	if (len < 0)
		return refuse_errno(fault, "the signer cannot be heard");
	if (len == 0 || packet[len - 1] != '\n')
		return fault_set(fault, FAULT_REPORT_SIGNATURE, "signer",
				 "the signer hung up without a greeting");
	return read_greeting(packet, (size_t)len - 1, fault);
}

static enum fault_code open_chain(int dir_fd, int *fd, struct fault *fault)
{
	struct stat status;

	*fd = openat(dir_fd, CHAIN_FILE,
		     O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600);
	if (*fd < 0 || fstat(*fd, &status) != 0)
		return fault_set_errno(fault, FAULT_REPORT_SIGNATURE, errno, "chain",
				       "cannot open chain.ndjson beside the run directories");
	if (S_ISREG(status.st_mode) && status.st_uid == geteuid() && (status.st_mode & 022) == 0)
		return FAULT_NONE;
	return fault_set(fault, FAULT_REPORT_SIGNATURE, "chain",
			 "chain.ndjson beside the run directories is not a file of yours that only "
			 "you may write; move it away");
}

static enum fault_code start_child(struct signing *signing, struct fault *fault)
{
	enum fault_code code = FAULT_NONE;

	if (signing->key_fd >= 0)
		code = signer_child_start(&signing->signer, signing->key_fd, signing->peer_fd,
					  signing->words, fault);
	descriptor_close(&signing->key_fd);
	descriptor_close(&signing->peer_fd);
	return code;
}

enum fault_code signing_ready(struct signing *signing, const struct rundir *rundir,
			      struct fault *fault)
{
	enum fault_code code;

	if (signing->signer_fd < 0)
		return FAULT_NONE;
	code = start_child(signing, fault);
	if (code == FAULT_NONE)
		code = open_chain(rundir->dir_fd, &signing->chain_fd, fault);
	return code == FAULT_NONE ? await_greeting(signing->signer_fd, fault) : code;
}

void signing_hand_over(struct signing *signing)
{
	descriptor_close(&signing->signer_fd);
	descriptor_close(&signing->chain_fd);
	descriptor_close(&signing->key_fd);
	descriptor_close(&signing->peer_fd);
}

void signing_close(struct signing *signing)
{
	signing_hand_over(signing);
	if (!process_runs(&signing->signer))
		return;
	process_kill(&signing->signer);
	(void)process_reap(&signing->signer);
}
