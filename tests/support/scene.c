/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/scene.h"

#include "stages/seal/base64.h"
#include "stages/seal/signature.h"
#include "stages/verify/bundle.h"
#include "tests/support/child.h"
#include "tests/support/evidence.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void make_key(struct scene *scene, enum key_algorithm algorithm, enum key_purpose purpose,
		     const char *name, struct key_private *key, char path[512])
{
	struct fault fault;
	struct buf text;

	cr_assert_eq(key_private_make(algorithm, purpose, key, &fault), FAULT_NONE, "%s",
		     fault.message);
	buf_init(&text, KEY_FILE_MAX);
	key_public_write(&key->public, &text);
	snprintf(path, 512, "%s/%s.pub", scene->directory, name);
	child_write_file(path, text.data, text.len);
	buf_release(&text);
}

void scene_open(struct scene *scene)
{
	struct buf stream;
	char unused[512];

	cr_assert_eq(signature_prewarm(), 0);
	*scene = (struct scene){.directory = child_make_dir("signed")};
	buf_init(&stream, EVIDENCE_MAX);
	buf_init(&scene->report, EVIDENCE_MAX);
	buf_init(&scene->other_report, EVIDENCE_MAX);
	evidence_finished(&stream);
	evidence_seal(&stream, &scene->report);
	buf_clear(&stream);
	evidence_failed(&stream, 3);
	evidence_seal(&stream, &scene->other_report);
	buf_release(&stream);
	make_key(scene, KEY_ED25519, KEY_PURPOSE_SEAL, "key", &scene->key, scene->key_path);
	make_key(scene, KEY_P256, KEY_PURPOSE_SEAL, "p256", &scene->p256, scene->p256_path);
	make_key(scene, KEY_ED25519, KEY_PURPOSE_SEAL, "stranger", &scene->stranger, unused);
	make_key(scene, KEY_ED25519, KEY_PURPOSE_ARCHIVE, "archive", &scene->archive,
		 scene->archive_path);
	snprintf(scene->trust, sizeof(scene->trust), "%s/trust", scene->directory);
	cr_assert_eq(mkdir(scene->trust, 0755), 0);
}

void scene_close(struct scene *scene)
{
	key_private_release(&scene->key);
	key_private_release(&scene->p256);
	key_private_release(&scene->stranger);
	key_private_release(&scene->archive);
	buf_release(&scene->report);
	buf_release(&scene->other_report);
	child_remove_dir(scene->directory);
	free(scene->directory);
}

/* The statement sr-seal would have signed. */
void scene_state(const struct buf *report, const char *keyid, const char *prev, struct buf *out)
{
	struct span text = {report->data, report->len}, integrity = span_get(text, "integrity");
	struct statement statement;
	uint8_t sum[DIGEST_SIZE];
	char signer[128], hash[DIGEST_TEXT_SIZE], quoted[STATEMENT_HEX_SIZE + 2];

	for (enum statement_field field = 0; field < STATEMENT_FIELD_COUNT; field++) {
		const char *name = statement_field_name(field);
		struct span value = span_get(text, name);

		statement.fields[field] = value.len > 0 ? value : span_get(integrity, name);
	}
	digest_bytes(report->data, report->len, sum);
	digest_text(sum, hash);
	snprintf(quoted, sizeof(quoted), "\"%s\"", hash + strlen("sha256:"));
	snprintf(signer, sizeof(signer), "{\"keyid\":\"%s\",\"where\":\"run\"}", keyid);
	statement.fields[STATEMENT_REPORT] = span_get(integrity, "digest");
	statement.fields[STATEMENT_PREV] = (struct span){prev, strlen(prev)};
	statement.fields[STATEMENT_SIGNER] = (struct span){signer, strlen(signer)};
	statement.fields[STATEMENT_SHA256] = (struct span){quoted, strlen(quoted)};
	statement_write(&statement, out);
}

void scene_sign_as(const struct buf *statement, const struct key_private *key, const char *keyid,
		   struct buf *bundle)
{
	uint8_t signature[SIGNATURE_MAX];
	struct buf pae;
	size_t len;

	buf_init(&pae, EVIDENCE_MAX);
	dsse_pae(statement->data, statement->len, &pae);
	cr_assert(signature_sign(key->handle, key->public.algorithm, pae.data, pae.len, signature,
				 &len));
	bundle_write(statement->data, statement->len, keyid, signature, len, bundle);
	buf_release(&pae);
}

/* The bundle an honest seal makes. */
void scene_sign(const struct buf *report, const struct key_private *key, const char *prev,
		struct buf *bundle)
{
	struct buf statement;

	buf_init(&statement, EVIDENCE_MAX);
	buf_init(bundle, EVIDENCE_MAX);
	scene_state(report, key->public.keyid, prev, &statement);
	scene_sign_as(&statement, key, key->public.keyid, bundle);
	buf_release(&statement);
}

int scene_memory(const void *data, size_t len)
{
	int fd = memfd_create("bundle", MFD_CLOEXEC);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, data, len), (ssize_t)len);
	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}
