/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCHIVE_RETENTION_H
#define ARCHIVE_RETENTION_H

#include <stdbool.h>
#include <stdint.h>

/*
 * How long a body is kept: "forever", or a number and a unit, h hours, d days or y years of 365
 * days, from RETENTION_MIN_SEC to RETENTION_MAX_SEC. One spelling for each: no leading zero, no
 * sign.
 */
#define RETENTION_SIZE	  16 /* the longest text and its NUL */
#define RETENTION_MIN_SEC UINT64_C(3600)
#define RETENTION_MAX_SEC (UINT64_C(100) * 365 * 86400)
#define RETENTION_NEVER	  UINT64_MAX

/* Seconds, or RETENTION_NEVER for "forever"; false for any other text. */
bool retention_read(const char *text, uint64_t *seconds) __attribute__((warn_unused_result));

/* A time of event_timestamp_valid's form, in whole seconds since 1970; false before that. */
bool retention_moment(const char *timestamp, uint64_t *seconds) __attribute__((warn_unused_result));

/* When a body stored at that time may go: seconds since 1970, or RETENTION_NEVER. */
uint64_t retention_end(const char *stored_at, const char *retention);

#endif
