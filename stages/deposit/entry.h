/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEPOSIT_ENTRY_H
#define DEPOSIT_ENTRY_H

#include "ipc/fault.h"
#include "stages/seal/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct json_object;

/*
 * One message of sr-collect's (stages/collect/entry.h), checked field by field: it has looked at a
 * hostile tree, so nothing it says is believed.
 */
#define ENTRY_PATH_SIZE 4096

struct entry {
	struct json_object *object; /* the message; entry_release */
	char path[ENTRY_PATH_SIZE]; /* raw bytes, relative; no component leads up */
	size_t output;		    /* index in the policy's outputs */
	bool directory;
	bool stored; /* a file that came with a descriptor, or has a hash in the manifest */
	bool executable;
	bool refused;
	uint64_t size;
	int fd; /* of the file to copy; -1 */
};

/*
 * The next entry from socket_fd. 1, 0 at end of file, or -1 with *fault. *entry is the caller's to
 * release in every case.
 */
int entry_receive(int socket_fd, struct entry *entry, struct fault *fault)
	__attribute__((warn_unused_result));
void entry_release(struct entry *entry);

/*
 * One line of a manifest (artifacts/outputs.ndjson), which is such a message with the member
 * sha256: hash is that of a stored file, or "".
 */
enum fault_code entry_parse(const char *line, size_t len, struct entry *entry,
			    char hash[DIGEST_TEXT_SIZE], struct fault *fault)
	__attribute__((warn_unused_result));

#endif
