/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-seal: turns an event stream into a report that a third party can check.
 *
 * PURPOSE  Checks that the events are whole, in order and of one run; chains them by their hashes;
 *          writes events and report so that they survive a power cut. Seals failures too: whatever
 *          a lost stage leaves, a report with a closing event comes out.
 * READS    events on stdin; the front-end's notices on --notice-fd, only after a stream that a
 *          stage was lost from; to seal a run again, on --recorded-fd, its sealed events.
 * WRITES   --artifacts-fd: events.ndjson and run_report.json in that directory, and one SealResult
 *          on stdout; with --signer-fd also run_report.sigstore.json. By hand, without it: the
 *          report on stdout.
 * HOLDS    one directory, in which it may make, rename and remove files; the chain of signed runs;
 *          a socket to the signer. No privilege, no key.
 * FILTER   sandbox/filters/seal.filter; Landlock gives the one directory.
 * REFUSES  a record that is not canonical, out of order, of another run, back in time, behind the
 *          closing one, or without what a report derives from it. What was refused is named in the
 *          closing event; nothing is dropped in silence. A report that exists is never replaced.
 * WHY NOT  in the monitor: the witness reads what the workload writes, so it must not be the one
 *          whose word becomes final, and later signs.
 */
#include "stages/seal/publish.h"
#include "stages/seal/result.h"
#include "stages/seal/stream.h"
#include "stages/stage.h"

#include "sandbox/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

enum option {
	OPTION_SIGNER_FD,
	OPTION_CHAIN_FD,
	OPTION_ARTIFACTS_FD,
	OPTION_NOTICE_FD,
	OPTION_RUN_ID,
	OPTION_RECORDED_FD,
	OPTION_FORWARD_FD,
	OPTION_COUNT
};

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_ARTIFACTS_FD] = {.name = "artifacts-fd",
				 .kind = STAGE_OPTION_FD,
				 .value_name = "N",
				 .help = "write events.ndjson and run_report.json into the "
					 "directory open at N"},
	[OPTION_SIGNER_FD] = {.name = "signer-fd",
			      .kind = STAGE_OPTION_FD,
			      .value_name = "N",
			      .help = "have the report signed by sr-signer, connected at N"},
	[OPTION_CHAIN_FD] = {.name = "chain-fd",
			     .kind = STAGE_OPTION_FD,
			     .value_name = "N",
			     .help = "the chain of signed runs, open at N for reading and "
				     "appending"},
	[OPTION_NOTICE_FD] = {.name = "notice-fd",
			      .kind = STAGE_OPTION_FD,
			      .value_name = "N",
			      .help = "learn from N how lost stages ended"},
	[OPTION_RUN_ID] = {.name = "run-id",
			   .kind = STAGE_OPTION_TEXT,
			   .value_name = "ID",
			   .help = "refuse events of any other run"},
	[OPTION_RECORDED_FD] = {.name = "recorded-fd",
				.kind = STAGE_OPTION_FD,
				.value_name = "N",
				.help = "seal a run again: N holds its events.ndjson, where seal's "
					"own times and nonce are taken from"},
	[OPTION_FORWARD_FD] = {.name = "forward-fd",
			       .kind = STAGE_OPTION_FD,
			       .value_name = "N",
			       .help = "seal every event with the next key from the 32 bytes at N, "
				       "into forward.json"},
};

struct seal {
	struct stream stream;
	struct recorded recorded;
	struct endorse endorse;
	struct forward forward;
	struct fault open_fault; /* no place for the events: told in the result, once confined */
};

static enum stage_exit choose_run_id(struct stage_context *context, struct stream *stream)
{
	const struct stage_value *given = &context->values[OPTION_RUN_ID];

	stream->run_id_fixed = given->given;
	if (!given->given)
		return runid_make(stream->run_id) == 0 ? STAGE_DONE : STAGE_FAILED;
	if (!runid_valid(given->text)) {
		stage_complain(context->stage, "--run-id: letters, digits and hyphens, at most %d",
			       RUNID_MAX);
		return STAGE_USAGE;
	}
	memcpy(stream->run_id, given->text, strlen(given->text) + 1);
	return STAGE_DONE;
}

static enum stage_exit choose_nonce(struct stream *stream)
{
	uint8_t random[(sizeof(stream->nonce) - 1) / 2];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return STAGE_FAILED;
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(stream->nonce + 2 * i, 3, "%02x", random[i]);
	return STAGE_DONE;
}

static int open_store(struct stage_context *context, int artifacts_fd, struct fault *fault)
{
	int fd;

	if (artifacts_fd < 0)
		fd = memfd_create("events", MFD_CLOEXEC);
	else
		fd = openat(artifacts_fd, PUBLISH_EVENTS,
			    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		fault_set_errno(fault, FAULT_EVIDENCE_REPORT, errno, "seal.events",
				"no place for the events");
	else if (artifacts_fd >= 0)
		context->fd_rules[context->fd_rule_count++] = (struct sandbox_fd_rule){
			.fd = artifacts_fd,
			.landlock_access = SANDBOX_FS_WRITE_FILE | SANDBOX_FS_MAKE_REG |
					   SANDBOX_FS_REMOVE_FILE,
		};
	return fd;
}

static enum stage_exit seal_open(struct stage_context *context)
{
	struct seal *seal = context->state;
	int artifacts_fd = context->values[OPTION_ARTIFACTS_FD].fd;
	int fd = open_store(context, artifacts_fd, &seal->open_fault);
	enum stage_exit status;

	if (context->values[OPTION_SIGNER_FD].given && artifacts_fd < 0) {
		stage_complain(context->stage, "--signer-fd needs --artifacts-fd: a signature is a "
					       "file beside the report");
		return STAGE_USAGE;
	}
	if (context->values[OPTION_FORWARD_FD].given &&
	    (artifacts_fd < 0 || !context->values[OPTION_RUN_ID].given)) {
		stage_complain(context->stage, "--forward-fd needs --artifacts-fd, for its file, "
					       "and --run-id, which every key is bound to");
		return STAGE_USAGE;
	}
	seal->endorse.signer_fd = context->values[OPTION_SIGNER_FD].fd;
	seal->endorse.chain_fd = context->values[OPTION_CHAIN_FD].fd;
	seal->endorse.bundle_fd = -1;
	seal->endorse.chain_start = -1;
	stream_init(&seal->stream, fd, artifacts_fd >= 0);
	status = choose_run_id(context, &seal->stream);
	return status == STAGE_DONE ? choose_nonce(&seal->stream) : status;
}

static enum stage_exit seal_prewarm(struct stage_context *context)
{
	(void)context;
	return digest_prewarm() == 0 ? STAGE_DONE : STAGE_FAILED;
}

static enum fault_code publish(struct stage_context *context, struct seal *seal,
			       char digest[DIGEST_TEXT_SIZE], struct fault *fault)
{
	const struct publication publication = {
		.facts = &seal->stream.facts,
		.chain = &seal->stream.chain,
		.store = &seal->stream.store,
		.endorse = &seal->endorse,
	};
	int artifacts_fd = context->values[OPTION_ARTIFACTS_FD].fd;

	if (artifacts_fd < 0)
		return publish_to_fd(&publication, context->out.fd, digest, fault);
	return publish_to_directory(&publication, artifacts_fd, digest, fault);
}

/* Confined: the record is a stranger's. */
static enum fault_code read_recorded(struct stage_context *context, struct seal *seal,
				     struct fault *fault)
{
	int fd = context->values[OPTION_RECORDED_FD].fd;
	struct stream *stream = &seal->stream;

	if (fd < 0)
		return FAULT_NONE;
	if (recorded_read(fd, &seal->recorded, fault) != FAULT_NONE)
		return fault->code;
	stream->recorded = &seal->recorded;
	if (seal->recorded.nonce[0] != '\0')
		memcpy(stream->nonce, seal->recorded.nonce, sizeof(stream->nonce));
	if (seal->recorded.run_id[0] != '\0' && !stream->run_id_fixed) {
		memcpy(stream->run_id, seal->recorded.run_id, sizeof(stream->run_id));
		stream->run_id_fixed = true;
	}
	return FAULT_NONE;
}

static enum fault_code start_forward(struct stage_context *context, struct seal *seal,
				     struct fault *fault)
{
	if (!context->values[OPTION_FORWARD_FD].given)
		return FAULT_NONE;
	if (forward_start(&seal->forward, context->values[OPTION_FORWARD_FD].fd,
			  context->values[OPTION_ARTIFACTS_FD].fd, seal->stream.run_id,
			  fault) == FAULT_NONE)
		seal->stream.forward = &seal->forward;
	return fault->code;
}

static enum stage_exit seal_run(struct stage_context *context)
{
	struct seal *seal = context->state;
	struct stream *stream = &seal->stream;
	char digest[DIGEST_TEXT_SIZE] = "";
	struct fault fault = seal->open_fault;
	struct fault_list *faults;
	bool sealed;

	if (fault.code == FAULT_NONE && read_recorded(context, seal, &fault) == FAULT_NONE &&
	    start_forward(context, seal, &fault) == FAULT_NONE &&
	    stream_seal(stream, STDIN_FILENO, context->values[OPTION_NOTICE_FD].fd, &fault) ==
		    FAULT_NONE &&
	    publish(context, seal, digest, &fault) == FAULT_NONE &&
	    context->values[OPTION_ARTIFACTS_FD].fd < 0)
		return STAGE_DONE; /* the report is what stdout got */
	if (stream->forward != NULL)
		forward_release(&seal->forward);
	faults = malloc(sizeof(*faults));
	if (faults == NULL)
		buf_no_memory();
	fault_list_init(faults);
	if (fault.code != FAULT_NONE)
		result_explain(faults, &fault);
	if (result_send(&context->out, stream, &seal->endorse, digest, faults, &fault) !=
	    FAULT_NONE)
		stage_complain(context->stage, "%s", fault.message);
	sealed = faults->count == 0 && fault.code == FAULT_NONE;
	free(faults);
	if (sealed && seal->endorse.fault.code != FAULT_NONE)
		return STAGE_REFUSED;
	return sealed ? STAGE_DONE : STAGE_FAILED;
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "sr-seal",
		.summary = "seal an event stream into a report",
		.profile = &sandbox_profile_seal,
		.options = options,
		.option_count = OPTION_COUNT,
		.survives_keyboard = true,
		.hashes = true,
		.open = seal_open,
		.prewarm = seal_prewarm,
		.run = seal_run,
	};
	struct seal seal = {0};

	return stage_main(&stage, &seal, argc, argv);
}
