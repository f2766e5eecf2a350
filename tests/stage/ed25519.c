/* SPDX-License-Identifier: Apache-2.0 */
/* sr-ed25519 as sr-seal and the front-end meet it; what it signs is held against libcrypto. */
#include "ipc/canon.h"
#include "ipc/object.h"
#include "stages/seal/base64.h"
#include "stages/seal/dsse.h"
#include "stages/seal/signature.h"
#include "tests/support/child.h"
#include "tests/support/scene.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct signer {
	pid_t pid;
	int fd;
};

static struct signer start(const void *file, size_t len)
{
	char key[16], peer[16];
	int ends[2], key_fd = scene_memory(file, len);
	struct signer signer;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	snprintf(key, sizeof(key), "%d", dup(key_fd)); /* dup: without close-on-exec */
	snprintf(peer, sizeof(peer), "%d", ends[1]);
	close(key_fd);
	signer.pid = fork();
	if (signer.pid == 0) {
		execl(child_path("sr-ed25519"), "sr-ed25519", "--key-fd", key, "--peer-fd", peer,
		      (char *)NULL);
		_exit(99);
	}
	close(ends[1]);
	close(atoi(key));
	signer.fd = ends[0];
	return signer;
}

/* One packet, a record of the signer's; the caller's. */
static struct json_object *receive(const struct signer *signer)
{
	char packet[4096];
	struct json_object *answer = NULL;
	struct fault fault;
	ssize_t len = read(signer->fd, packet, sizeof(packet));

	cr_assert_gt(len, 1);
	cr_assert_eq(packet[len - 1], '\n');
	cr_assert_eq(canon_parse(packet, (size_t)len - 1, FAULT_REPORT_SIGNATURE, &answer, &fault),
		     FAULT_NONE);
	return answer;
}

static void expect_text(struct json_object *answer, const char *name, const char *text)
{
	struct json_object *value = json_object_object_get(answer, name);

	cr_assert_not_null(value, "no %s", name);
	cr_expect_str_eq(json_object_get_string(value), text);
}

static void expect_refusal(const struct signer *signer, const char *what)
{
	struct json_object *answer OBJECT_CLEANUP = receive(signer);
	const char *text = json_object_to_json_string(answer);

	cr_expect_not_null(strstr(text, "SR-EVD-304"), "%s: %s", what, text);
	cr_expect_null(json_object_object_get(answer, "signature"), "%s: %s", what, text);
}

static void expect_end(struct signer *signer, int status)
{
	char byte;
	int wait_status;

	cr_expect_eq(read(signer->fd, &byte, 1), 0, "it has one answer to give");
	close(signer->fd);
	cr_assert_eq(waitpid(signer->pid, &wait_status, 0), signer->pid);
	cr_expect(WIFEXITED(wait_status));
	cr_expect_eq(WEXITSTATUS(wait_status), status);
}

/* A signer that has introduced itself as the key's. */
static struct signer start_with(const struct key_private *key)
{
	struct json_object *greeting OBJECT_CLEANUP = NULL;
	struct signer signer;
	struct fault fault;
	struct buf file;

	buf_init(&file, KEY_FILE_MAX);
	cr_assert_eq(key_private_write(key, NULL, &file, &fault), FAULT_NONE);
	signer = start(file.data, file.len);
	buf_release(&file);
	greeting = receive(&signer);
	expect_text(greeting, "algorithm", "ed25519");
	expect_text(greeting, "keyid", key->public.keyid);
	expect_text(greeting, "schemaVersion", "safe-run.signer/v1");
	expect_text(greeting, "where", "run");
	return signer;
}

static void send_line(const struct signer *signer, struct buf *line)
{
	buf_append(line, "\n", 1);
	cr_assert_eq(send(signer->fd, line->data, line->len, MSG_NOSIGNAL), (ssize_t)line->len);
}

Test(ed25519, libcrypto_verifies_what_it_signs)
{
	struct json_object *answer OBJECT_CLEANUP = NULL;
	uint8_t signature[SIGNATURE_MAX];
	struct scene scene;
	struct signer signer;
	struct buf statement, pae;
	const char *text;
	size_t len;

	scene_open(&scene);
	buf_init(&statement, 65536);
	buf_init(&pae, 65536);
	scene_state(&scene.report, scene.key.public.keyid, "null", &statement);
	dsse_pae(statement.data, statement.len, &pae);
	signer = start_with(&scene.key);
	send_line(&signer, &statement);
	answer = receive(&signer);
	text = json_object_get_string(json_object_object_get(answer, "signature"));
	cr_assert_not_null(text);
	cr_assert(base64_decode(text, strlen(text), signature, sizeof(signature), &len));
	cr_expect(signature_verify(&scene.key.public, pae.data, pae.len, signature, len));
	cr_expect_not(signature_verify(&scene.stranger.public, pae.data, pae.len, signature, len));
	expect_end(&signer, 0);
	buf_release(&statement);
	buf_release(&pae);
	scene_close(&scene);
}

/* What it is asked to sign, with one word of it replaced. */
static const struct {
	const char *what, *word, *instead;
} oracles[] = {
	{"a service's statement", "\"where\":\"run\"", "\"where\":\"service\""},
	{"another key's", "\"signer\":{\"keyid\":\"", "\"signer\":{\"keyid\":\"f"},
	{"another type", "Statement/v1", "Statement/v0.1"},
	{"another predicate", "run-report/v1", "run-report/v2"},
	{"no canonical text", "\"where\":", "\"where\": "},
};

Test(ed25519, it_is_no_oracle)
{
	struct scene scene;

	scene_open(&scene);
	for (size_t i = 0; i < sizeof(oracles) / sizeof(oracles[0]); i++) {
		struct signer signer = start_with(&scene.key);
		struct buf statement, other;
		const char *at;

		buf_init(&statement, 65536);
		buf_init(&other, 65536);
		scene_state(&scene.report, scene.key.public.keyid, "null", &statement);
		buf_append(&statement, "", 1);
		at = strstr(statement.data, oracles[i].word);
		cr_assert_not_null(at, "%s", oracles[i].word);
		buf_append(&other, statement.data, (size_t)(at - statement.data));
		buf_append_text(&other, oracles[i].instead);
		buf_append_text(&other, at + strlen(oracles[i].word));
		send_line(&signer, &other);
		expect_refusal(&signer, oracles[i].what);
		expect_end(&signer, 0);
		buf_release(&statement);
		buf_release(&other);
	}
	scene_close(&scene);
}

Test(ed25519, a_file_it_cannot_use_is_refused_at_once)
{
	struct scene scene;
	const struct key_private *keys[] = {&scene.archive, &scene.p256};
	struct signer signer = start("x", 1);

	expect_refusal(&signer, "one byte");
	expect_end(&signer, 1);
	signer = start("", 0);
	expect_refusal(&signer, "nothing");
	expect_end(&signer, 1);
	scene_open(&scene);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct fault fault;
		struct buf file;

		buf_init(&file, KEY_FILE_MAX);
		cr_assert_eq(key_private_write(keys[i], NULL, &file, &fault), FAULT_NONE);
		signer = start(file.data, file.len);
		expect_refusal(&signer, "another kind of key");
		expect_end(&signer, 1);
		buf_release(&file);
	}
	scene_close(&scene);
}
