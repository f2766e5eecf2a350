/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_SCENE_H
#define SUPPORT_SCENE_H

#include "ipc/buf.h"
#include "stages/seal/key_private.h"

#include <stddef.h>

/*
 * Two sealed reports and the keys a verifier could be given, in a fresh directory with an empty
 * trust directory. Every function ends the test when something cannot be done.
 */
struct scene {
	char *directory;
	struct buf report, other_report;
	struct key_private key, p256, stranger, archive;
	char key_path[512], p256_path[512], archive_path[512], trust[512];
};

void scene_open(struct scene *scene);
void scene_close(struct scene *scene);

/* The statement sr-seal would have signed, appended to out; prev is JSON. */
void scene_state(const struct buf *report, const char *keyid, const char *prev, struct buf *out);
/* A bundle over any statement, in the name of any key, appended. */
void scene_sign_as(const struct buf *statement, const struct key_private *key, const char *keyid,
		   struct buf *bundle);
/* The bundle an honest seal makes; the caller releases it. */
void scene_sign(const struct buf *report, const struct key_private *key, const char *prev,
		struct buf *bundle);

/* A descriptor those bytes can be read from, once. */
int scene_memory(const void *data, size_t len);

#endif
