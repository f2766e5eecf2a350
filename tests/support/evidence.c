/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/evidence.h"

#include "stages/seal/publish.h"
#include "stages/seal/span.h"
#include "stages/seal/stream.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define H8(text)     text text text text text text text text
#define HASH(two)    "\"sha256:" H8(two) H8(two) H8(two) H8(two) "\""
#define COMMAND_HASH HASH("c0")
#define POLICY_HASH  HASH("c2")
#define ECHO_HASH    HASH("c4")

/* Of the kernel and the root in compile_payload. */
#define KERNEL_HASH "\"sha256:7ca036ddb5de54c1181137663a64f466e0b3c23b806e0d649054d2b3d86e9c32\""
#define ROOTFS_HASH "\"sha256:57411f9b9e90f5cae1530ec1c11c07a6c8a6b0fce1f09e7e5aecf866f2e9e9ef\""

/* The challenge has every escape RFC 8785 has, and every length of UTF-8. */
static const char compile_payload[] =
	"{\"artifacts\":{\"commandHash\":" COMMAND_HASH ",\"kernelHash\":" KERNEL_HASH
	",\"policyHash\":" POLICY_HASH ",\"rootfsHash\":" ROOTFS_HASH "},\"bootNs\":\"1000\","
	"\"challenge\":\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f/"
	"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\","
	"\"errors\":[],\"kernel\":{\"machine\":\"x86_64\",\"release\":\"6.1\","
	"\"sysname\":\"Linux\",\"version\":\"#1\"},\"mode\":\"root\","
	"\"nonce\":\"00112233445566778899aabbccddeeff\",\"observedBy\":\"launcher\","
	"\"policySummary\":{\"argsCount\":1,\"auditLevel\":\"basic\",\"command\":\"/bin/echo\","
	"\"cpuMax\":\"100000 100000\",\"diskMax\":67108864,\"isolation\":\"process\","
	"\"memoryMax\":\"max\",\"mounts\":1,\"name\":\"hello\",\"networkMode\":\"none\","
	"\"outputMax\":67108864,\"pidsMax\":256,\"seccomp\":\"standard\",\"timeoutSec\":300},"
	"\"root\":{\"kind\":\"host\"},\"safeRun\":{\"version\":\"0.1.0\"}"
	"}";

static const char mount_payload[] =
	"{\"bootNs\":\"2000\",\"index\":0,\"observedBy\":\"launcher\",\"source\":\"/srv\","
	"\"target\":\"/data\"}";

static const char prepared_payload[] =
	"{\"bestEffort\":false,\"bootNs\":\"3000\",\"cgroup\":{\"mode\":\"none\",\"paths\":{}},"
	"\"enforcement\":[{\"clause\":\"default.no_new_privs\",\"effective\":1,\"enforced\":true,"
	"\"evidence\":{\"NoNewPrivs\":1},\"mechanism\":\"prctl\",\"requested\":1}],"
	"\"executable\":{\"interpreter\":null,\"path\":\"/bin/echo\",\"sha256\":" ECHO_HASH "},"
	"\"observedBy\":\"launcher\"}";

static const char started_payload[] =
	"{\"bootNs\":\"4000\",\"executable\":{\"path\":\"/bin/echo\"},\"isolation\":\"process\","
	"\"observedBy\":\"launcher\",\"pid\":2}";

static const char truncated_payload[] =
	"{\"bootNs\":\"6500\",\"limitBytes\":9007199254740991,\"observedBy\":\"monitor\","
	"\"reason\":\"caller-closed\",\"stream\":\"stdout\"}";

static const char exited_payload[] =
	"{\"bootNs\":\"8000\",\"coreDumped\":false,\"deadline\":false,\"exitCode\":0,"
	"\"forwarded\":[],\"observedBy\":\"kernel\",\"oomKills\":0,\"pidsMaxHits\":0,"
	"\"rusage\":{\"maxRssBytes\":4096,\"systemUs\":1,\"userUs\":1},\"setup\":null,"
	"\"signal\":null,\"signalNumber\":null,\"stopReason\":null,"
	"\"wallNs\":\"12345678\"}";

static const char cleaned_payload[] =
	"{\"bootNs\":\"9000\",\"cleanup\":[],\"errors\":[],\"observedBy\":\"monitor\","
	"\"outcome\":{\"cause\":\"exit\",\"evidence\":{},\"exitCode\":0,\"signal\":null,"
	"\"state\":\"finished\",\"summary\":\"exited with status 0\"},"
	"\"output\":{\"captured\":true,\"stderr\":null,\"stdin\":null,\"stdout\":{\"bytes\":3,"
	"\"loggedBytes\":3,\"sha256\":" ECHO_HASH ",\"truncated\":true}}}";

static const char failed_payload[] =
	"{\"bootNs\":\"9000\",\"cleanup\":[],\"errors\":[{\"code\":\"SR-RUN-002\",\"message\":"
	"\"no\",\"path\":\"launch.exec\"}],\"observedBy\":\"monitor\",\"outcome\":{\"cause\":"
	"\"setup\",\"evidence\":{\"execErrno\":\"ENOENT\"},\"exitCode\":127,\"signal\":null,"
	"\"state\":\"failed\","
	"\"summary\":\"not found\"},\"output\":{\"captured\":false,\"stderr\":null,"
	"\"stdin\":null,\"stdout\":null}}";

void evidence_event(struct buf *out, uint64_t seq, const char *stage, const char *type,
		    const char *payload)
{
	char rest[256];
	int len = snprintf(rest, sizeof(rest),
			   ",\"runId\":\"" EVIDENCE_RUN_ID "\",\"seq\":%" PRIu64
			   ",\"stage\":\"%s\",\"timestamp\":\"2026-01-01T00:00:%02u.000000000Z\","
			   "\"type\":\"%s\"}\n",
			   seq, stage, (unsigned)(seq % 60), type);

	buf_append_text(out, "{\"payload\":");
	buf_append_text(out, payload);
	buf_append(out, rest, (size_t)len);
	cr_assert(!out->overflowed);
}

static void sample(struct buf *out, uint64_t seq, const char *stage, const char *which)
{
	char payload[256];

	snprintf(payload, sizeof(payload),
		 "{\"bootNs\":\"%" PRIu64 "\",\"cpu\":{\"usageUs\":%" PRIu64 "},\"memory\":{"
		 "\"currentBytes\":4096,\"peakBytes\":8192},\"observedBy\":\"%s\","
		 "\"pids\":{\"current\":1},\"sample\":\"%s\"}",
		 UINT64_C(5000) + (seq < 3000 ? seq : 3000), seq,
		 strcmp(stage, "launch") == 0 ? "launcher" : "monitor", which);
	evidence_event(out, seq, stage, "resource.sampled", payload);
}

void evidence_finished(struct buf *out)
{
	evidence_event(out, 0, "launch", "compile", compile_payload);
	evidence_event(out, 1, "launch", "mount.validated", mount_payload);
	evidence_event(out, 2, "launch", "mount.applied", mount_payload);
	evidence_event(out, 3, "launch", "run.prepared", prepared_payload);
	evidence_event(out, 4, "launch", "vm.started", started_payload);
	sample(out, 5, "launch", "first");
	sample(out, 6, "monitor", "periodic");
	sample(out, 7, "monitor", "periodic");
	evidence_event(out, 8, "monitor", "output.truncated", truncated_payload);
	sample(out, 9, "launch", "last");
	evidence_replace(out, "\"bootNs\":\"5009\"", "\"bootNs\":\"7000\"", 0);
	evidence_event(out, 10, "launch", "vm.exited", exited_payload);
	evidence_event(out, 11, "monitor", "run.cleaned", cleaned_payload);
}

void evidence_failed(struct buf *out, size_t count)
{
	cr_assert_geq(count, 2);
	evidence_event(out, 0, "launch", "compile", compile_payload);
	for (size_t seq = 1; seq + 1 < count; seq++)
		sample(out, seq, "monitor", "periodic");
	evidence_event(out, count - 1, "monitor", "run.failed", failed_payload);
}

static int memory_with(const struct buf *text)
{
	int fd = memfd_create("evidence", MFD_CLOEXEC);

	cr_assert_geq(fd, 0);
	for (size_t done = 0; done < text->len;) {
		ssize_t put = write(fd, text->data + done, text->len - done);

		cr_assert_gt(put, 0);
		done += (size_t)put;
	}
	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void read_whole(int fd, struct buf *out)
{
	char piece[65536];
	ssize_t got;

	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	while ((got = read(fd, piece, sizeof(piece))) > 0)
		buf_append(out, piece, (size_t)got);
	cr_assert_eq(got, 0);
	cr_assert(!out->overflowed);
}

void evidence_seal(const struct buf *stream_text, struct buf *report)
{
	static const struct buf nothing;
	int store_fd = memory_with(&nothing), report_fd = memory_with(&nothing);
	struct stream stream = {0};
	struct publication publication = {&stream.facts, &stream.chain, &stream.store, NULL};
	char digest[DIGEST_TEXT_SIZE];
	struct fault fault;

	stream_init(&stream, store_fd, false);
	snprintf(stream.run_id, sizeof(stream.run_id), "%s", EVIDENCE_RUN_ID);
	memset(stream.nonce, '0', sizeof(stream.nonce) - 1);
	cr_assert_eq(stream_seal(&stream, memory_with(stream_text), -1, &fault), FAULT_NONE);
	cr_assert_eq(publish_to_fd(&publication, report_fd, digest, &fault), FAULT_NONE);
	read_whole(report_fd, report);
	stream_release(&stream);
	close(store_fd);
	close(report_fd);
}

void evidence_replace(struct buf *text, const char *find, const char *replace, int nth)
{
	struct buf out;
	const char *at = text->data, *end = text->data + text->len, *hit;
	int seen = 0, done = 0;

	buf_init(&out, EVIDENCE_MAX);
	while ((hit = memmem(at, (size_t)(end - at), find, strlen(find))) != NULL) {
		bool wanted = nth < 0 || seen == nth;

		buf_append(&out, at, (size_t)(hit - at));
		buf_append_text(&out, wanted ? replace : find);
		at = hit + strlen(find);
		done += wanted ? 1 : 0;
		seen++;
	}
	cr_assert_gt(done, 0, "there is no %s", find);
	buf_append(&out, at, (size_t)(end - at));
	buf_clear(text);
	buf_append(text, out.data, out.len);
	buf_release(&out);
}

static void value_of(struct buf *text, const char *name, struct span *value)
{
	struct span report = {text->data, text->len};

	*value = span_get(span_get(report, "integrity"), name);
}

static void set_value(struct buf *text, const char *name, const char *json)
{
	struct span value;
	struct buf out;

	value_of(text, name, &value);
	if (value.len == 0)
		return; /* a report without it is what is being tested */
	buf_init(&out, EVIDENCE_MAX);
	buf_append(&out, text->data, (size_t)(value.at - text->data));
	buf_append_text(&out, json);
	buf_append(&out, value.at + value.len,
		   (size_t)(text->data + text->len - (value.at + value.len)));
	buf_clear(text);
	buf_append(text, out.data, out.len);
	buf_release(&out);
}

void evidence_redigest(struct buf *report)
{
	char digest[DIGEST_TEXT_SIZE], json[DIGEST_TEXT_SIZE + 2];
	uint8_t value[DIGEST_SIZE];

	set_value(report, "digest", "\"\"");
	digest_bytes(report->data, report->len, value);
	digest_text(value, digest);
	snprintf(json, sizeof(json), "\"%s\"", digest);
	set_value(report, "digest", json);
}

/* One event with new hashes. Anything in it may be wrong but its outermost shape. */
static void relink(struct span event, char prev[DIGEST_TEXT_SIZE], struct merkle *tree,
		   struct buf *out)
{
	const char *rest = memmem(event.at, event.len, "\"payload\"", 9);
	size_t rest_len = (size_t)(event.at + event.len - rest), start = out->len;
	uint8_t value[DIGEST_SIZE];
	struct digest *running = digest_new();

	digest_update(running, "{\"hashPrev\":\"", 13);
	digest_update(running, prev, strlen(prev));
	digest_update(running, "\",", 2);
	digest_update(running, rest, rest_len);
	digest_value(running, value);
	digest_free(running);
	buf_append_text(out, "{\"hashPrev\":\"");
	buf_append_text(out, prev);
	digest_text(value, prev);
	buf_append_text(out, "\",\"hashSelf\":\"");
	buf_append_text(out, prev);
	buf_append_text(out, "\",");
	buf_append(out, rest, rest_len);
	merkle_add(tree, out->data + start, out->len - start);
}

void evidence_rehash(struct buf *report)
{
	char prev[DIGEST_TEXT_SIZE], json[DIGEST_TEXT_SIZE + 2];
	struct span events = span_get((struct span){report->data, report->len}, "events"), event;
	struct span_walk walk;
	struct merkle tree;
	struct buf out;
	uint8_t root[DIGEST_SIZE];

	buf_init(&out, EVIDENCE_MAX);
	merkle_init(&tree);
	snprintf(prev, sizeof(prev), "sha256:%064d", 0);
	buf_append(&out, report->data, (size_t)(events.at + 1 - report->data));
	cr_assert(span_walk_array(events, &walk));
	while (span_next_element(&walk, &event)) {
		if (tree.count > 0)
			buf_append_text(&out, ",");
		relink(event, prev, &tree, &out);
	}
	events.at += events.len - 1;
	buf_append(&out, events.at, (size_t)(report->data + report->len - events.at));
	buf_clear(report);
	buf_append(report, out.data, out.len);
	buf_release(&out);
	snprintf(json, sizeof(json), "\"%s\"", prev);
	set_value(report, "chainHead", json);
	merkle_root(&tree, root);
	digest_text(root, prev);
	snprintf(json, sizeof(json), "\"%s\"", prev);
	set_value(report, "merkleRoot", json);
	merkle_release(&tree);
	evidence_redigest(report);
}
