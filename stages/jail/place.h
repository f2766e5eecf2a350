/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JAIL_PLACE_H
#define JAIL_PLACE_H

#include "ipc/fault.h"
#include "stages/jail/request.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * One machine's jail before jailer comes, root's to the last file:
 *
 *     <id>/                   locked (flock(2)) while anybody of the run lives: what gc looks at
 *     <id>/root/              what jailer makes /
 *     <id>/root/config.json   Firecracker's
 *     <id>/root/<images>      hard links (image.h)
 *     <id>/root/state, memory of a snapshot (snapshot.h)
 *     <id>/root/s/            the machine's own: the sockets of its streams
 *
 * Jailer adds its own, and gives the top to the machine's user when it has nothing more to write
 * there as root.
 */
#define PLACE_CONFIG  "config.json"
#define PLACE_SOCKETS "s"

struct place {
	int base_fd, id_fd, root_fd, sockets_fd; /* -1 when there is none */
	bool restores;				 /* a snapshot is there, and in the jail */
	uid_t uid;				 /* the machine's, nobody else's meanwhile */
	const char *id;				 /* the request's */
};

void place_init(struct place *place);
enum fault_code place_make(struct place *place, const struct request *request, struct fault *fault)
	__attribute__((warn_unused_result));

/* Once nothing of the run lives: all of it goes. 0, or -1 with errno. */
int place_remove(struct place *place) __attribute__((warn_unused_result));

#endif
