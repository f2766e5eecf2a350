/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_STANDIN_FIRECRACKER_H
#define TESTS_STANDIN_FIRECRACKER_H

#include <stdbool.h>
#include <stdio.h>

struct json_object;

struct standin {
	const char *config_path, *api_path, *uds_path;
	struct json_object *config;
	int api_fd, vsock_fd;
};

_Noreturn void standin_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Whether a test asked for it. */
bool standin_is(const char *mode);
struct json_object *standin_member(struct json_object *object, const char *name);
int standin_listen(const char *path);

/* The guest, from its hello to its end (guest.c). */
void standin_play(const struct standin *standin);

#endif
