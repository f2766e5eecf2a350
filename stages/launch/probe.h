/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_PROBE_H
#define LAUNCH_PROBE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Attempts that must fail, made by the workload's process in the finished sandbox, behind its own
 * filter, just before exec. Read-back says what is set; these say that it works.
 */
enum probe_kind {
	PROBE_READ_SHADOW, /* open /etc/shadow for reading */
	PROBE_CONNECT,	   /* connect to a machine outside, AF_INET */
	PROBE_USER_NAMESPACE,
	PROBE_WRITE_USR,
	PROBE_COUNT
};

/* Where PROBE_CONNECT goes: 192.0.2.1, which is nobody's (RFC 5737). */
#define PROBE_HOST     "192.0.2.1"
#define PROBE_HOST_U32 0xC0000201U

const char *probe_name(enum probe_kind kind); /* "readShadow", ... */
/* The errno it failed with, as it must; 0 when it succeeded. */
/* port: of the connection, one no rule lists. */
int probe_try(enum probe_kind kind, uint16_t port);

#endif
