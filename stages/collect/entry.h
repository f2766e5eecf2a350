/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECT_ENTRY_H
#define COLLECT_ENTRY_H

#include "ipc/fault.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * What goes to sr-deposit: one canonical object per message of a SOCK_SEQPACKET socket, with the
 * opened file beside it where there is one (SCM_RIGHTS, unix(7)):
 *
 *   {"mode":"0644","output":0,"path":"results/a","refused":null,"size":3,"target":null,
 *    "type":"file"}
 *
 * sr-deposit answers each with one byte once it is stored. At most ENTRY_WINDOW are under way: the
 * kernel counts descriptors in flight against RLIMIT_NOFILE, and a store that has ended is noticed.
 */
#define ENTRY_WINDOW	  16
#define ENTRY_MESSAGE_MAX ((size_t)64 << 10)

struct entry_sink {
	int fd;
	unsigned pending; /* sent and not answered */
};

struct entry {
	size_t output;	     /* index in the plan */
	const char *path;    /* raw bytes; relative to the work directory */
	const char *type;    /* file, directory, symlink, fifo, socket, device, unknown */
	const char *refused; /* why nothing of it is kept; NULL: it is */
	const char *target;  /* of a symlink, raw bytes; NULL */
	mode_t mode;
	uint64_t size;
	int fd; /* -1: none; stays the caller's */
};

enum fault_code entry_send(struct entry_sink *sink, const struct entry *entry, struct fault *fault)
	__attribute__((warn_unused_result));

/* Wait until all that was sent is stored. */
enum fault_code entry_settle(struct entry_sink *sink, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
