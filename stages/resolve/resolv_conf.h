/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RESOLVE_RESOLV_CONF_H
#define RESOLVE_RESOLV_CONF_H

#include "ipc/fault.h"

#include <stddef.h>
#include <stdint.h>

/*
 * resolv.conf(5), as far as it says whom to ask: nameserver lines with an IPv4 address, the first
 * three of them, and of options timeout:N and attempts:N. Search lists are not for us: the names
 * of a policy are whole. Everything else is somebody else's and passed over.
 */
#define RESOLV_SERVER_MAX  3
#define RESOLV_FILE_MAX	   16384
#define RESOLV_ATTEMPT_MAX 5  /* RES_MAXRETRY */
#define RESOLV_TIMEOUT_MAX 30 /* seconds, RES_MAXRETRANS */

struct resolv_conf {
	uint32_t servers[RESOLV_SERVER_MAX]; /* host byte order; port 53 */
	size_t server_count;
	unsigned try_ms;   /* how long one server has for one answer */
	unsigned attempts; /* rounds over all servers */
};

/* From text. Without a nameserver line that can be used it is an error (SR-RUN-201). */
enum fault_code resolv_conf_parse(const char *text, size_t len, struct resolv_conf *conf,
				  struct fault *fault) __attribute__((warn_unused_result));

/* From a file that is open, from its start, which is not looked at for what it is called. */
enum fault_code resolv_conf_read(int fd, struct resolv_conf *conf, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
