/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIGNER_CONNECTION_H
#define SIGNER_CONNECTION_H

#include "stages/signer/request.h"

#include <stdbool.h>

/* One connection: it gets the greeting, sends one request, and gets one answer. */

/* All of it. False when it was refused or the other side left without asking. */
bool connection_serve(const struct request_key *key, int fd);

bool connection_greet(const struct request_key *key, int fd) __attribute__((warn_unused_result));
/* Instead of a greeting or an answer: why there will be no signature. */
void connection_refuse(int fd, const struct fault *fault);

/* Told of a signature before it is given away; a fault keeps it back. */
typedef enum fault_code connection_note(void *context, const struct request_signed *done,
					struct fault *fault);
/* note: NULL when nobody wants to know. */
bool connection_answer(const struct request_key *key, int fd, connection_note *note, void *context);

#endif
