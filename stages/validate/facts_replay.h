/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATE_FACTS_REPLAY_H
#define VALIDATE_FACTS_REPLAY_H

#include "ipc/fault.h"
#include "stages/validate/allowlist.h"
#include "stages/validate/document.h"
#include "stages/validate/resolve.h"
#include "stages/validate/settings.h"

#include <stddef.h>

struct json_object;

/*
 * Where answers about the host come from: from the host, each noted for the record
 * (hostFacts.asked), or from the record of an earlier validation, and then the host is never asked.
 * A question that record has no answer to is a fault (SR-EVD-301), never an answer made up.
 */
struct facts_source {
	struct json_object *record; /* the ValidationResult to answer from; NULL: ask the host */
	struct json_object *asked;  /* what was asked and answered, in order */
	struct fault_list *errors;  /* where a missing answer is told */
};

/* One canonical line, with or without its LF. *record is the caller's to release. */
enum fault_code facts_replay_read(const char *data, size_t len, struct json_object **record,
				  struct fault *fault) __attribute__((warn_unused_result));
/* The recorded overrides as settings, behind those there are. */
enum fault_code facts_replay_settings(struct json_object *record, struct settings *settings,
				      struct fault *fault) __attribute__((warn_unused_result));
/*
 * The allowlist the record names, and the reasons it has against the file that one was read from,
 * which is not part of the record. Texts belong to the record.
 */
void facts_replay_allowlist(struct facts_source *source, struct document *document,
			    struct allowlist *allowlist);
/* The recorded fact about one path of the root, a new reference; null fields when there is none. */
struct json_object *facts_replay_root(struct facts_source *source, const char *path);

void facts_source_init(struct facts_source *source, struct json_object *record,
		       struct fault_list *errors);
void facts_source_release(struct facts_source *source);

/* resolve_path, through document->facts when it has a source. ENODATA: the record is silent. */
int facts_ask(struct document *document, const char *path, struct resolve_facts *facts)
	__attribute__((warn_unused_result));

#endif
