/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events COUNT: a canonical event stream of COUNT events on stdout, the way sr-monitor writes one:
 * compile, run.prepared, vm.started, resource samples, vm.exited, run.cleaned. The stream says
 * nothing of a real run; it feeds sr-seal and sr-verify at sizes a short run never reaches.
 */
#include "ipc/buf.h"
#include "ipc/event.h"
#include "ipc/object.h"
#include "ipc/record.h"

#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ZERO_HASH "sha256:0000000000000000000000000000000000000000000000000000000000000000"

static void emit(struct event_writer *writer, enum event_type type, enum event_observer observer,
		 const char *payload)
{
	struct fault fault;
	struct json_object *object = json_tokener_parse(payload);

	if (object == NULL || event_emit(writer, type, observer, object, &fault) != FAULT_NONE) {
		fprintf(stderr, "events: cannot write event %s\n", event_type_name(type));
		exit(3);
	}
}

static void samples(const struct event_writer *writer, uint64_t count)
{
	char block[1 << 16];
	size_t len = 0;
	char timestamp[EVENT_TIMESTAMP_SIZE];
	uint64_t boot_ns = event_boot_ns();

	event_timestamp_now(timestamp);
	for (uint64_t i = 0; i < count; i++) {
		len += (size_t)snprintf(
			block + len, sizeof(block) - len,
			"{\"payload\":{\"bootNs\":\"%llu\",\"cpu\":{\"usageUs\":%llu},\"memory\":{"
			"\"currentBytes\":1048576,\"peakBytes\":2097152},\"observedBy\":"
			"\"monitor\","
			"\"pids\":{\"current\":2},\"sample\":\"periodic\"},\"runId\":\"%s\","
			"\"seq\":%llu,"
			"\"stage\":\"monitor\",\"timestamp\":\"%s\",\"type\":\"resource.sampled\"}"
			"\n",
			(unsigned long long)boot_ns, (unsigned long long)i, writer->run_id,
			(unsigned long long)(writer->next_seq + i), timestamp);
		if (sizeof(block) - len < 1024 || i + 1 == count) {
			if (record_write_all(writer->sink.fd, block, len) != 0)
				exit(3);
			len = 0;
		}
	}
}

int main(int argc, char **argv)
{
	struct event_writer writer = {.sink = {.fd = STDOUT_FILENO, .record_fd = -1},
				      .run_id = "sr-20260101-000000-0badcafe",
				      .stage = "launch"};
	const uint64_t fixed = 5;
	uint64_t count = argc == 2 ? strtoull(argv[1], NULL, 10) : 0;

	if (count < fixed) {
		fprintf(stderr, "usage: events COUNT (at least %llu)\n", (unsigned long long)fixed);
		return 2;
	}
	emit(&writer, EVENT_COMPILE, EVENT_BY_LAUNCHER,
	     "{\"artifacts\":{\"commandHash\":\"" ZERO_HASH "\",\"kernelHash\":null,"
	     "\"policyHash\":\"" ZERO_HASH "\",\"rootfsHash\":null},\"errors\":[],"
	     "\"kernel\":null,\"mode\":\"root\",\"nonce\":\"00000000000000000000000000000000\","
	     "\"policySummary\":null,\"root\":null,\"safeRun\":{\"version\":\"0.1.0\"}}");
	emit(&writer, EVENT_RUN_PREPARED, EVENT_BY_LAUNCHER,
	     "{\"bestEffort\":false,\"cgroup\":{\"mode\":\"none\",\"paths\":{}},\"enforcement\":[]"
	     "}");
	emit(&writer, EVENT_VM_STARTED, EVENT_BY_LAUNCHER,
	     "{\"executable\":{\"path\":\"/bin/true\"},\"isolation\":\"process\",\"pid\":2}");
	samples(&writer, count - fixed);
	writer.next_seq += count - fixed;
	emit(&writer, EVENT_VM_EXITED, EVENT_BY_LAUNCHER,
	     "{\"coreDumped\":false,\"deadline\":false,\"exitCode\":0,\"forwarded\":[],"
	     "\"oomKills\":0,"
	     "\"pidsMaxHits\":0,\"rusage\":{\"maxRssBytes\":1048576,\"systemUs\":1,\"userUs\":1},"
	     "\"setup\":null,\"signal\":null,\"signalNumber\":null,\"stopReason\":null,"
	     "\"wallNs\":\"1000000\"}");
	writer.stage = "monitor";
	emit(&writer, EVENT_RUN_CLEANED, EVENT_BY_MONITOR,
	     "{\"cleanup\":[],\"errors\":[],\"outcome\":{\"cause\":\"exit\",\"evidence\":{},"
	     "\"exitCode\":0,\"signal\":null,\"state\":\"finished\",\"summary\":\"exited with "
	     "status 0\"},"
	     "\"output\":{\"captured\":false,\"stderr\":null,\"stdin\":null,\"stdout\":null}}");
	return 0;
}
