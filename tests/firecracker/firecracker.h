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
	int tap_fd;	     /* of its one interface; -1: none */
	bool booted, paused; /* a guest is there; it stands still */
	bool reset;	     /* it was saved or loaded: its connections are gone */
	unsigned patched;    /* drives that were given another file */
};

_Noreturn void standin_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Whether a test asked for it. */
bool standin_is(const char *mode);
struct json_object *standin_member(struct json_object *object, const char *name);
int standin_listen(const char *path);

/* Its interface, as Firecracker opens it, or that there is none (net.c). */
void standin_open_interface(struct standin *standin);
/* Frames out of it, of a guest's making: what came back, as text for the host. */
void standin_send_frames(const struct standin *standin, char *text, size_t size);

/* The guest, from its hello to its end (guest.c). */
void standin_play(struct standin *standin);

/* What is wanted of the API within timeout_ms, and done (api.c). */
void standin_serve(struct standin *standin, int timeout_ms);

/* config, once it is there: its files, its user's rights to them. */
void standin_take_config(struct standin *standin);

#endif
