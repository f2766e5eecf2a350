/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIGNER_SERVICE_H
#define SIGNER_SERVICE_H

#include "ipc/record.h"
#include "stages/signer/request.h"

#include <stddef.h>
#include <sys/types.h>

/* The signer behind a listening socket: connections as in connection.h. */
#define SERVICE_UIDS_MAX 64

struct service_uids {
	uid_t uids[SERVICE_UIDS_MAX];
	size_t count;
};

/*
 * Serve a listening socket for ever; returns only when it can no longer accept. A peer whose uid,
 * as the kernel says (SO_PEERCRED), is not allowed is refused. Each signature is one record on log:
 * {keyid, pid, reportSha256, runId, signedAt, uid}, written before the signature is given away.
 */
void service_listen(const struct request_key *key, int listen_fd,
		    const struct service_uids *allowed, const struct record_sink *log,
		    struct fault *fault);

#endif
