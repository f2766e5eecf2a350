/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_KEY_H
#define CMD_KEY_H

#include "cmd/spawn.h"
#include "ipc/fault.h"

struct json_object;

/* The verbs of safe-run key; argv[0] is the verb's name, the return value the exit status. */
int key_generate(char **argv); /* key_generate.c */
int key_list(char **argv);     /* key_trust.c */
int key_trust(char **argv);
int key_revoke(char **argv);

#define KEY_GENERATE_SYNOPSIS                                                                      \
	"--out FILE [--type ed25519|p256] [--purpose seal|archive] [--passphrase-fd N|prompt]"
#define KEY_LIST_SYNOPSIS "[--trust-dir DIR] [--json]"
#define KEY_TRUST_SYNOPSIS                                                                         \
	"[--purpose seal|archive] [--not-before TIME] [--not-after TIME] [--trust-dir DIR] PUB"
#define KEY_REVOKE_SYNOPSIS "[--at TIME] [--trust-dir DIR] KEYID"

/*
 * Run sr-key, as spawn says but for its output: the record it answers with, the caller's. Its
 * errors[] come back as the fault.
 */
enum fault_code key_ask(struct spawn *spawn, struct json_object **answer, struct fault *fault)
	__attribute__((warn_unused_result));
/* Begins that spawn; *home must live as long. */
void key_spawn_begin(struct spawn *spawn);

/* The fault on stderr; VERB_REFUSED. */
int key_complain(const struct fault *fault);

/* A member that is a string; "" when it is not. */
const char *key_text(struct json_object *object, const char *name);

#endif
