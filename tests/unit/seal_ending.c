/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor's conclusions and the rules that seal and verify hold them against are the same. */
#include "stages/seal/ending.h"

#include "ipc/canon.h"
#include "ipc/object.h"
#include "stages/monitor/facts.h"
#include "stages/monitor/outcome.h"
#include "tests/support/evidence.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const ends[] = {
	"\"exitCode\":0|\"signal\":null,\"signalNumber\":null",
	"\"exitCode\":3|\"signal\":null,\"signalNumber\":null",
	"\"exitCode\":130|\"signal\":null,\"signalNumber\":null",
	"\"exitCode\":137|\"signal\":null,\"signalNumber\":null",
	"\"exitCode\":null|\"signal\":\"SIGINT\",\"signalNumber\":2",
	"\"exitCode\":null|\"signal\":\"SIGKILL\",\"signalNumber\":9",
	"\"exitCode\":null|\"signal\":\"SIGSYS\",\"signalNumber\":31",
	"\"exitCode\":null|\"signal\":\"SIGXCPU\",\"signalNumber\":24",
	"\"exitCode\":null|\"signal\":\"SIG33\",\"signalNumber\":33",
};
static const char *const stops[] = {"null", "\"output\"", "\"interrupted\"", "\"monitor\""};
static const char *const setups[] = {"null", "{\"step\":\"exec\"}"};
static const char *const exec_errnos[] = {"", "ENOENT", "EACCES"};

/* Every combination of what vm.exited, the launcher's closing and the monitor can say. */
struct choice {
	size_t end, stop, setup, exec_errno;
	bool exited, deadline, forwarded, oom, pids, limit, file, failed, lost;
};

static void exited_payload(const struct choice *choice, char out[512])
{
	const char *end = ends[choice->end], *bar = strchr(end, '|');

	snprintf(out, 512,
		 "{\"bootNs\":\"1\",\"coreDumped\":false,\"deadline\":%s,%.*s,\"forwarded\":[%s],"
		 "\"observedBy\":\"launcher\",\"oomKills\":%d,\"pidsMaxHits\":%d,\"setup\":%s,%s,"
		 "\"stopReason\":%s,\"wallNs\":\"1\"}",
		 choice->deadline ? "true" : "false", (int)(bar - end), end,
		 choice->forwarded ? "\"SIGINT\"" : "", choice->oom, choice->pids,
		 setups[choice->setup], bar + 1, stops[choice->stop]);
}

static void conclude(const struct choice *choice, const char *exited, struct buf *line,
		     struct outcome *outcome)
{
	struct outcome_facts facts = {.output_exceeded = choice->limit};
	struct json_object *payload OBJECT_CLEANUP = json_tokener_parse(exited);
	struct json_object *closing OBJECT_CLEANUP = object_new();
	struct buf text BUF_CLEANUP;
	struct fault fault;

	if (choice->exited)
		cr_assert_eq(facts_from_exit(&facts, payload, &fault), FAULT_NONE, "%s", exited);
	if (choice->file)
		(void)fault_set(&facts.log, FAULT_EVIDENCE_EVENT, "monitor.stdout", "full");
	if (choice->lost)
		(void)fault_set(&facts.lost, FAULT_RUN_LAUNCH, "launch.events", "lost");
	facts.closing = choice->failed ? OUTCOME_FAILED : OUTCOME_CLEANED;
	snprintf(facts.exec_errno, sizeof(facts.exec_errno), "%s", exec_errnos[choice->exec_errno]);
	outcome_decide(&facts, outcome);
	object_add_string(closing, "bootNs", "1");
	object_add_string(closing, "observedBy", "monitor");
	object_add(closing, "outcome", outcome_to_json(outcome, &facts));
	buf_init(&text, EVIDENCE_MAX);
	cr_assert_eq(canon_write(closing, &text, FAULT_EVIDENCE_EVENT, &fault), FAULT_NONE);
	buf_append(&text, "", 1);
	buf_init(line, EVIDENCE_MAX);
	evidence_event(line, 1, "monitor", outcome->finished ? "run.cleaned" : "run.failed",
		       text.data);
}

static bool accepted(const struct ending *ending, const struct buf *line)
{
	struct fault fault;
	struct head head;

	cr_assert_eq(head_read(line->data, line->len - 1, HEAD_TRAVELLING, FAULT_EVIDENCE_EVENT,
			       &head, &fault),
		     FAULT_NONE, "%s", fault.message);
	return ending_check_closing(ending, &head, FAULT_EVIDENCE_EVENT, &fault) == FAULT_NONE;
}

/* What it concluded passes; any other cause does not, but the two no other event speaks against. */
static void check_choice(const struct choice *choice)
{
	struct ending ending = {.output_exceeded = choice->limit, .log_failed = choice->file};
	struct outcome outcome;
	struct buf line;
	struct fault fault;
	char exited[512], from[64], to[64];
	struct span payload = {exited, 0};

	exited_payload(choice, exited);
	payload.len = strlen(exited);
	cr_assert_eq(ending_check_exited(payload, FAULT_EVIDENCE_EVENT, &fault), FAULT_NONE, "%s",
		     fault.message);
	if (choice->exited)
		ending_take_exited(&ending, payload);
	conclude(choice, exited, &line, &outcome);
	cr_assert(accepted(&ending, &line), "refused: %s for %s", line.data, exited);
	for (int cause = 0; cause < OUTCOME_CAUSE_COUNT; cause++) {
		struct buf other;
		bool open = cause == OUTCOME_STAGE_LOST || cause == OUTCOME_SETUP ||
			    outcome.cause == OUTCOME_STAGE_LOST || outcome.cause == OUTCOME_SETUP;

		if (cause == (int)outcome.cause || open)
			continue;
		buf_init(&other, EVIDENCE_MAX);
		buf_append(&other, line.data, line.len);
		snprintf(from, sizeof(from), "\"cause\":\"%s\"", outcome_cause_name(outcome.cause));
		snprintf(to, sizeof(to), "\"cause\":\"%s\"",
			 outcome_cause_name((enum outcome_cause)cause));
		evidence_replace(&other, from, to, 0);
		cr_assert(!accepted(&ending, &other), "accepted: %s for %s", other.data, exited);
		buf_release(&other);
	}
	buf_release(&line);
}

Test(seal_ending, accepts_what_the_monitor_concludes_and_no_other_cause)
{
	for (size_t i = 0; i < COUNT(ends) * COUNT(stops) * COUNT(setups) * COUNT(exec_errnos); i++)
		for (unsigned bits = 0; bits < 1U << 9; bits++)
			check_choice(&(struct choice){
				.end = i % COUNT(ends),
				.stop = i / COUNT(ends) % COUNT(stops),
				.setup = i / COUNT(ends) / COUNT(stops) % COUNT(setups),
				.exec_errno = i / COUNT(ends) / COUNT(stops) / COUNT(setups),
				.exited = bits & 1,
				.deadline = bits & 2,
				.forwarded = bits & 4,
				.oom = bits & 8,
				.pids = bits & 16,
				.limit = bits & 32,
				.file = bits & 64,
				.failed = bits & 128,
				.lost = bits & 256,
			});
}
