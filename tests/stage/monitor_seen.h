/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_STAGE_MONITOR_SEEN_H
#define TESTS_STAGE_MONITOR_SEEN_H

#include "stages/seal/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct json_object;

/* Looking at what sr-monitor wrote, and data to feed it. */

#define NO_LIMIT   (1ULL << 40)
#define ALL_OUTPUT (WATCH_OUT | WATCH_ERR | WATCH_LOGS | WATCH_CONTROL)

/* One record, which must be canonical; the caller puts it. */
struct json_object *seen_parse(const char *line);
/* A member by a path such as "payload.output.stdout.bytes"; NULL when null or missing. Borrowed. */
struct json_object *seen_member(struct json_object *record, const char *path);
void seen_text(struct json_object *record, const char *path, const char *text);
void seen_count(struct json_object *record, const char *path, int64_t count);
void seen_flag(struct json_object *record, const char *path, bool set);

/* len bytes without a short period; the caller frees them. */
char *seen_data(size_t len);
void seen_hash(const void *data, size_t len, char out[DIGEST_TEXT_SIZE]);
off_t seen_size(int fd);

/* A child that writes all of data to fd; seen_reap tells how it ended: 0, or 13 for EPIPE. */
void seen_write(int fd, const char *data, size_t len);
int seen_reap(void);

#endif
