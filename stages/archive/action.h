/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCHIVE_ACTION_H
#define ARCHIVE_ACTION_H

#include "stages/archive/archive_key.h"
#include "stages/archive/retention.h"
#include "stages/stage.h"
#include "stages/verify/keyring.h"

#include <stdbool.h>

/*
 * What sr-archive can be asked for, one file each. Everything was opened before confinement;
 * nothing of it has been read yet. Each action opens the archive, says its answer and closes it.
 */
#define ACTION_KEYS_MAX 8

struct action_input {
	int archive_fd;
	int report_fd, signature_fd; /* sealed memory; signature_fd may be -1 */
	int verdict_fd;		     /* sr-verify's answer about them */
	int signer_fd;		     /* a private key; -1: none was given */
	int passphrase_fd;	     /* of it, or -1 */
	int key_fds[ACTION_KEYS_MAX];
	size_t key_count;
	struct keyring *trusted; /* of trust directories */
	int since_fd;		 /* an older checkpoint, or -1 */
	char new_origin[NOTE_ORIGIN_SIZE];
	const char *origin; /* what the caller expects; NULL: whatever it is */
	const char *retention;
	const char *id; /* bundle or run */
	uint64_t after, limit;
};

typedef enum stage_exit action_fn(struct stage_context *context, const struct action_input *input);

action_fn add_run;	  /* add.c */
action_fn ask_list;	  /* ask.c */
action_fn ask_find;	  /* ask.c */
action_fn ask_show;	  /* ask.c */
action_fn audit_run;	  /* audit.c */
action_fn prove_run;	  /* prove.c */
action_fn prune_run;	  /* prune.c */
action_fn checkpoint_run; /* checkpoint_verb.c */
action_fn reindex_run;	  /* checkpoint_verb.c */

#endif
