/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/verify/forward.h"

#include "ipc/canon.h"
#include "ipc/field.h"
#include "ipc/object.h"
#include "stages/seal/forward.h"
#include "stages/verify/beside.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#define CODE FAULT_REPORT_FORWARD

static const char place[] = "forward";
static const char key_place[] = "forwardKey";

struct key {
	uint8_t bytes[RATCHET_KEY_SIZE];
	char run_id[RUNID_SIZE];
};

struct state {
	char aggregate[DIGEST_TEXT_SIZE];
	uint64_t count;
};

struct record {
	struct state now;
	struct state settled; /* count 0 and an empty aggregate: nothing was */
	bool closed;
	char run_id[RUNID_SIZE];
};

void forward_open(struct forward_check *check, const char *key_path, const char *seal_path,
		  const char *report)
{
	struct fault *fault = &check->open_fault;

	check->asked = true;
	if (side_file_open(&check->key, AT_FDCWD, key_path, NULL, CODE, fault) != FAULT_NONE)
		return;
	if (seal_path != NULL)
		(void)!side_file_open(&check->seal, AT_FDCWD, seal_path, NULL, CODE, fault);
	else if (report != NULL)
		beside_open_forward(&check->seal, report, fault);
}

void forward_release_files(struct forward_check *check)
{
	if (check->key.data != NULL)
		explicit_bzero(check->key.data, check->key.len);
	side_file_release(&check->key);
	side_file_release(&check->seal);
}

static int digit(char letter)
{
	if (letter >= '0' && letter <= '9')
		return letter - '0';
	return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

static bool read_hex(const char *text, uint8_t out[RATCHET_KEY_SIZE])
{
	if (strlen(text) != 2 * (size_t)RATCHET_KEY_SIZE)
		return false;
	for (size_t i = 0; i < RATCHET_KEY_SIZE; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static enum fault_code open_record(const struct side_file *file, const char *where,
				   struct json_object **root, struct fields *fields,
				   struct fault *fault)
{
	struct span text = side_file_text(file);

	if (canon_parse(text.at, text.len, CODE, root, fault) != FAULT_NONE)
		return fault_set(fault, CODE, where, "'%s' is not canonical JSON", file->name);
	return fields_open(fields, *root, where, CODE, fault);
}

static enum fault_code read_run_id(struct fields *fields, const char *where, char out[RUNID_SIZE],
				   struct fault *fault)
{
	const char *text;

	if (fields_string(fields, "runId", &text, fault) != FAULT_NONE)
		return fault->code;
	if (!runid_valid(text))
		return fault_set(fault, CODE, where, "runId is no run's");
	memcpy(out, text, strlen(text) + 1);
	return FAULT_NONE;
}

static enum fault_code read_key(const struct side_file *file, struct key *key, struct fault *fault)
{
	struct json_object *root OBJECT_CLEANUP = NULL;
	struct fields fields;
	const char *text;

	if (open_record(file, key_place, &root, &fields, fault) != FAULT_NONE ||
	    fields_literal(&fields, "schemaVersion", FORWARD_KEY_SCHEMA, fault) != FAULT_NONE ||
	    read_run_id(&fields, key_place, key->run_id, fault) != FAULT_NONE ||
	    fields_string(&fields, "key", &text, fault) != FAULT_NONE ||
	    fields_close(&fields, fault) != FAULT_NONE)
		return fault->code;
	if (!read_hex(text, key->bytes))
		return fault_set(fault, CODE, key_place, "a key is 64 lower-case hex digits");
	return FAULT_NONE;
}

static enum fault_code read_state(struct fields *fields, struct state *state, struct fault *fault)
{
	const char *text;
	int64_t count;

	if (fields_string(fields, "aggregate", &text, fault) != FAULT_NONE ||
	    fields_integer(fields, "count", 0, CANON_INTEGER_MAX, &count, fault) != FAULT_NONE)
		return fault->code;
	if (!digest_text_valid(text))
		return fault_set(fault, CODE, place, "the aggregate is no hash");
	memcpy(state->aggregate, text, DIGEST_TEXT_SIZE);
	state->count = (uint64_t)count;
	return FAULT_NONE;
}

static enum fault_code read_settled(struct fields *fields, struct state *state, struct fault *fault)
{
	struct fields settled;

	if (fields_has(fields, "settled") && fields_null(fields, "settled"))
		return FAULT_NONE;
	if (fields_enter(fields, "settled", &settled, fault) != FAULT_NONE ||
	    read_state(&settled, state, fault) != FAULT_NONE)
		return fault->code;
	return fields_close(&settled, fault);
}

static enum fault_code read_record(const struct side_file *file, struct record *record,
				   struct fault *fault)
{
	struct json_object *root OBJECT_CLEANUP = NULL;
	struct fields fields;

	if (open_record(file, place, &root, &fields, fault) != FAULT_NONE ||
	    fields_literal(&fields, "schemaVersion", FORWARD_SCHEMA, fault) != FAULT_NONE ||
	    read_run_id(&fields, place, record->run_id, fault) != FAULT_NONE ||
	    fields_bool(&fields, "closed", &record->closed, fault) != FAULT_NONE ||
	    read_state(&fields, &record->now, fault) != FAULT_NONE ||
	    read_settled(&fields, &record->settled, fault) != FAULT_NONE)
		return fault->code;
	return fields_close(&fields, fault);
}

/* The events there are, held against what was recorded of them. */
struct pass {
	struct ratchet ratchet;
	const struct record *record;
	bool now, settled; /* the aggregate was this one at that count */
};

static void compare(struct pass *pass)
{
	const struct record *record = pass->record;
	char text[DIGEST_TEXT_SIZE];

	digest_text(pass->ratchet.aggregate, text);
	if (pass->ratchet.count == record->settled.count)
		pass->settled = strcmp(text, record->settled.aggregate) == 0;
	if (pass->ratchet.count == record->now.count && !record->closed)
		pass->now = strcmp(text, record->now.aggregate) == 0;
}

static void take(struct pass *pass, struct span event)
{
	ratchet_take(&pass->ratchet, event.at, event.len);
	compare(pass);
}

static void go_over(struct pass *pass, enum forward_source source, struct span text)
{
	struct span_walk walk;
	struct span event;
	const char *end;

	compare(pass);
	switch (source) {
	case FORWARD_REPORT:
		if (span_walk_array(span_get(text, "events"), &walk))
			while (span_next_element(&walk, &event))
				take(pass, event);
		break;
	case FORWARD_LINES:
		while (text.len > 0 && (end = memchr(text.at, '\n', text.len)) != NULL) {
			size_t len = (size_t)(end - text.at);

			take(pass, (struct span){text.at, len});
			text = (struct span){end + 1, text.len - len - 1};
		}
		break;
	}
}

/* How much is certain all the same. */
static void refuse(const struct pass *pass, const char *what, struct verdict *verdict)
{
	if (pass->settled && pass->record->settled.count > 0)
		verdict_refuse_at(verdict, VERDICT_FORWARD_SEAL, place,
				  "%s; the first %" PRIu64 " are as they were recorded", what,
				  pass->record->settled.count);
	else
		verdict_refuse_at(verdict, VERDICT_FORWARD_SEAL, place, "%s", what);
}

static void judge_closed(struct pass *pass, struct verdict *verdict)
{
	const struct record *record = pass->record;
	char text[DIGEST_TEXT_SIZE];

	if (pass->ratchet.count < record->now.count) {
		refuse(pass, "events are missing: more were sealed than are here", verdict);
		return;
	}
	if (pass->ratchet.count > record->now.count) {
		refuse(pass, "events were added: fewer were sealed than are here", verdict);
		return;
	}
	ratchet_close(&pass->ratchet);
	digest_text(pass->ratchet.aggregate, text);
	if (strcmp(text, record->now.aggregate) == 0)
		verdict_pass(verdict, VERDICT_FORWARD_SEAL);
	else
		refuse(pass,
		       "an event was changed, exchanged or moved, or this is another key: which, "
		       "an aggregate cannot tell",
		       verdict);
}

/* Of a run whose seal was killed: what the aggregate covers holds, and it is not all. */
static void judge_open(const struct pass *pass, enum forward_source source, struct verdict *verdict)
{
	const struct record *record = pass->record;

	if (source == FORWARD_REPORT) {
		refuse(pass,
		       "the seal was never closed, though sr-seal closes it before it writes a "
		       "report",
		       verdict);
		return;
	}
	if (pass->ratchet.count < record->now.count) {
		refuse(pass, "events are missing, by a power cut or by somebody's hand", verdict);
		return;
	}
	if (!pass->now) {
		refuse(pass,
		       "an event was changed, exchanged or moved, or this is another key: which, "
		       "an aggregate cannot tell",
		       verdict);
		return;
	}
	verdict_pass(verdict, VERDICT_FORWARD_SEAL);
	verdict_refuse_at(verdict, VERDICT_COMPLETE, place,
			  "the forward seal was not closed: it covers the first %" PRIu64
			  " of %" PRIu64 " events",
			  record->now.count, pass->ratchet.count);
}

static void check_runs(const struct key *key, const struct record *record, struct verdict *verdict)
{
	if (strcmp(record->run_id, verdict->run_id) != 0)
		verdict_refuse_at(verdict, VERDICT_FORWARD_SEAL, place, "it seals the run %s",
				  record->run_id);
	if (strcmp(key->run_id, verdict->run_id) != 0)
		verdict_refuse_at(verdict, VERDICT_FORWARD_SEAL, key_place,
				  "the key was made for the run %s", key->run_id);
}

static enum fault_code read_both(struct forward_check *check, struct key *key,
				 struct record *record, struct fault *fault)
{
	if (check->open_fault.code != FAULT_NONE) {
		*fault = check->open_fault;
		return fault->code;
	}
	if (check->seal.fd < 0)
		return fault_set(fault, CODE, place,
				 "there is no " FORWARD_FILE
				 " beside the report; name it with --forward");
	if (side_file_read(&check->key, FORWARD_MAX, CODE, fault) != FAULT_NONE ||
	    side_file_read(&check->seal, FORWARD_MAX, CODE, fault) != FAULT_NONE ||
	    read_key(&check->key, key, fault) != FAULT_NONE)
		return fault->code;
	return read_record(&check->seal, record, fault);
}

void forward_verify(struct forward_check *check, enum forward_source source, struct span text,
		    struct verdict *verdict)
{
	struct record record = {.closed = false};
	struct pass pass = {.record = &record};
	struct key key = {.run_id = ""};
	struct fault fault;

	if (!check->asked)
		return;
	verdict_want(verdict, VERDICT_FORWARD_SEAL);
	if (read_both(check, &key, &record, &fault) != FAULT_NONE)
		verdict_refuse(verdict, VERDICT_FORWARD_SEAL, &fault);
	if (text.len == 0 || verdict->states[VERDICT_FORWARD_SEAL] == VERDICT_REFUSED) {
		explicit_bzero(&key, sizeof(key));
		return;
	}
	check_runs(&key, &record, verdict);
	ratchet_start(&pass.ratchet, key.bytes, record.run_id);
	explicit_bzero(&key, sizeof(key));
	go_over(&pass, source, text);
	if (record.closed)
		judge_closed(&pass, verdict);
	else
		judge_open(&pass, source, verdict);
	ratchet_release(&pass.ratchet);
}
