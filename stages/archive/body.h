/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCHIVE_BODY_H
#define ARCHIVE_BODY_H

#include "ipc/fault.h"
#include "stages/archive/leaf.h"

#include <stdbool.h>

/*
 * Reports and signatures, each a file of bodies/ that is named by the hash of its bytes. A new one
 * waits under a name of its own until its leaf is written: so a crash leaves either a leaf whose
 * body can still be put in place, or a body that nobody was told of.
 */
enum body_kind { BODY_REPORT, BODY_SIGNATURE, BODY_KIND_COUNT };

#define BODY_DIRECTORY "bodies"
#define BODY_NAME_SIZE (2 * (size_t)DIGEST_SIZE + 1)
#define BODY_LEN_MAX   ((uint64_t)64 << 20)

/* The file name of a body: 64 hexadecimal digits. */
void body_name(const uint8_t hash[DIGEST_SIZE], char out[BODY_NAME_SIZE]);
/* Back from a name; false for any other name. */
bool body_name_read(const char *name, uint8_t hash[DIGEST_SIZE])
	__attribute__((warn_unused_result));

/* Whether a name in bodies/ is one under which a new body waits. */
bool body_name_waits(const char *name);

/*
 * Copy all of source_fd, from its start, into the place where a new body waits, durable; body gets
 * hash and length. At most BODY_LEN_MAX bytes.
 */
enum fault_code body_receive(int bodies_fd, enum body_kind kind, int source_fd,
			     struct leaf_body *body, struct fault *fault)
	__attribute__((warn_unused_result));
/* Give a waiting body its name. The caller makes the directory durable. */
enum fault_code body_settle(int bodies_fd, enum body_kind kind, const struct leaf_body *body,
			    struct fault *fault) __attribute__((warn_unused_result));
/* Whether one is waiting; *body says what it is. */
enum fault_code body_waiting(int bodies_fd, enum body_kind kind, bool *waits,
			     struct leaf_body *body, struct fault *fault)
	__attribute__((warn_unused_result));
/* Forget a waiting body; none is no fault. */
enum fault_code body_discard(int bodies_fd, enum body_kind kind, struct fault *fault)
	__attribute__((warn_unused_result));

enum body_state { BODY_PRESENT, BODY_MISSING, BODY_CHANGED };

/* Read it whole and compare; a fault only when the system did not let us. */
enum fault_code body_check(int bodies_fd, const struct leaf_body *body, enum body_state *state,
			   struct fault *fault) __attribute__((warn_unused_result));
/* Whether there is a file of that name and length. */
bool body_exists(int bodies_fd, const struct leaf_body *body);
/* Remove; one that is gone already is no fault. */
enum fault_code body_remove(int bodies_fd, const struct leaf_body *body, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
