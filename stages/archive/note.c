/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/archive/note.h"

#include "ipc/utf8.h"
#include "stages/seal/base64.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define EM_DASH		"\xe2\x80\x94 "
#define ED25519_TYPE	0x01 /* c2sp.org/signed-note, signature types */
#define SIGNATURE_BYTES (NOTE_KEY_HASH_SIZE + NOTE_SIGNATURE_SIZE)
#define FOREIGN_MAX	4096 /* bytes another signer's signature may have */

static const char place[] = "checkpoint";

static enum fault_code wrong(struct fault *fault, const char *what)
{
	return fault_set(fault, FAULT_REPORT_SCHEMA, place, "%s", what);
}

bool note_origin_valid(const char *origin)
{
	size_t len = strnlen(origin, NOTE_ORIGIN_SIZE);

	if (len == 0 || len > NOTE_ORIGIN_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (origin[i] <= ' ' || origin[i] > '~' || origin[i] == '+')
			return false;
	return true;
}

/* UTF-8 without control characters, but for the LF that ends lines. */
static bool text_valid(struct span text)
{
	for (size_t at = 0; at < text.len;) {
		unsigned char byte = (unsigned char)text.at[at];
		size_t taken = utf8_sequence(text.at + at, text.len - at);

		if (taken == 0 || (byte < ' ' && byte != '\n') || byte == 0x7f)
			return false;
		/* U+0080 to U+009F are controls too. */
		if (byte == 0xc2 && (unsigned char)text.at[at + 1] < 0xa0)
			return false;
		at += taken;
	}
	return true;
}

/* The next line without its LF; false when none ends. */
static bool take_line(struct span *rest, struct span *line)
{
	const char *end = rest->len == 0 ? NULL : memchr(rest->at, '\n', rest->len);

	if (end == NULL)
		return false;
	*line = (struct span){rest->at, (size_t)(end - rest->at)};
	rest->at += line->len + 1;
	rest->len -= line->len + 1;
	return true;
}

/* The text ends in the last empty line: signatures hold none. */
static bool split(struct span data, struct note *note)
{
	const char *last = NULL;

	for (size_t i = 1; i < data.len; i++)
		if (data.at[i - 1] == '\n' && data.at[i] == '\n')
			last = data.at + i;
	if (last == NULL)
		return false;
	note->text = (struct span){data.at, (size_t)(last - data.at)};
	note->signatures = (struct span){last + 1, data.len - note->text.len - 1};
	return true;
}

/* The standard alphabet alone: the URL-safe one is no spelling of a note's. */
static bool decode(struct span text, uint8_t *out, size_t size, size_t *len)
{
	return memchr(text.at, '-', text.len) == NULL && memchr(text.at, '_', text.len) == NULL &&
	       base64_decode(text.at, text.len, out, size, len);
}

static enum fault_code read_checkpoint(struct note *note, struct fault *fault)
{
	struct note_checkpoint *checkpoint = &note->checkpoint;
	struct span rest = note->text, line;
	size_t len;

	if (!take_line(&rest, &line) ||
	    !span_copy(line, checkpoint->origin, sizeof(checkpoint->origin)) ||
	    !note_origin_valid(checkpoint->origin))
		return wrong(fault, "the first line is not an origin");
	if (!take_line(&rest, &line) || !span_decimal(line, &checkpoint->size) ||
	    checkpoint->size > INT64_MAX)
		return wrong(fault, "the second line is not a number of leaves");
	if (!take_line(&rest, &line) ||
	    !decode(line, checkpoint->root, sizeof(checkpoint->root), &len) || len != DIGEST_SIZE)
		return wrong(fault, "the third line is not a hash in base64");
	if (rest.len != 0)
		return wrong(fault,
			     "there is more before the empty line than origin, size and root");
	return FAULT_NONE;
}

struct signature_line {
	struct span name;
	size_t len;
	uint8_t bytes[FOREIGN_MAX];
};

static bool read_signature(struct span line, struct signature_line *signature)
{
	const char *space;
	size_t dash = strlen(EM_DASH);

	if (line.len < dash || memcmp(line.at, EM_DASH, dash) != 0)
		return false;
	line.at += dash;
	line.len -= dash;
	space = memchr(line.at, ' ', line.len);
	if (space == NULL || space == line.at)
		return false;
	signature->name = (struct span){line.at, (size_t)(space - line.at)};
	if (memchr(signature->name.at, '+', signature->name.len) != NULL)
		return false;
	line.len -= signature->name.len + 1;
	line.at = space + 1;
	return decode(line, signature->bytes, sizeof(signature->bytes), &signature->len) &&
	       signature->len > NOTE_KEY_HASH_SIZE;
}

static enum fault_code check_signatures(const struct note *note, struct fault *fault)
{
	struct signature_line signature;
	struct span rest = note->signatures, line;
	size_t count = 0;

	while (take_line(&rest, &line)) {
		if (++count > NOTE_SIGNERS_MAX)
			return wrong(fault, "there are too many signatures");
		if (!read_signature(line, &signature))
			return wrong(fault, "a line behind the empty one is not a signature");
	}
	if (rest.len != 0 || count == 0)
		return wrong(fault, "it does not end in a whole signature line");
	return FAULT_NONE;
}

enum fault_code note_read(struct span data, struct note *note, struct fault *fault)
{
	enum fault_code code;

	*note = (struct note){.text = {"", 0}};
	if (data.len > NOTE_LEN_MAX)
		return wrong(fault, "it is too long");
	if (!text_valid(data))
		return wrong(fault, "it holds a control character or is not UTF-8");
	if (!split(data, note))
		return wrong(fault, "no empty line stands between text and signatures");
	code = read_checkpoint(note, fault);
	return code == FAULT_NONE ? check_signatures(note, fault) : code;
}

void note_key_hash(const char *name, const uint8_t public_key[NOTE_PUBLIC_SIZE],
		   uint8_t out[NOTE_KEY_HASH_SIZE])
{
	static const uint8_t separator[] = {'\n', ED25519_TYPE};
	struct digest *running = digest_new();
	uint8_t value[DIGEST_SIZE];

	digest_update(running, name, strlen(name));
	digest_update(running, separator, sizeof(separator));
	digest_update(running, public_key, NOTE_PUBLIC_SIZE);
	digest_value(running, value);
	digest_free(running);
	memcpy(out, value, NOTE_KEY_HASH_SIZE);
}

enum note_signer note_find_signature(const struct note *note,
				     const uint8_t key_hash[NOTE_KEY_HASH_SIZE],
				     uint8_t signature[NOTE_SIGNATURE_SIZE])
{
	enum note_signer found = NOTE_SIGNER_NONE;
	struct signature_line line_read;
	struct span rest = note->signatures, line;

	while (take_line(&rest, &line)) {
		if (!read_signature(line, &line_read) ||
		    !span_equal(line_read.name, note->checkpoint.origin))
			continue;
		if (line_read.len != SIGNATURE_BYTES ||
		    memcmp(line_read.bytes, key_hash, NOTE_KEY_HASH_SIZE) != 0) {
			found = found == NOTE_SIGNER_NONE ? NOTE_SIGNER_OTHER : found;
			continue;
		}
		if (found == NOTE_SIGNER_FOUND)
			return NOTE_SIGNER_TWICE;
		memcpy(signature, line_read.bytes + NOTE_KEY_HASH_SIZE, NOTE_SIGNATURE_SIZE);
		found = NOTE_SIGNER_FOUND;
	}
	return found;
}

void note_write_text(const struct note_checkpoint *checkpoint, struct buf *out)
{
	buf_append_text(out, checkpoint->origin);
	buf_append_text(out, "\n");
	buf_append_u64(out, checkpoint->size);
	buf_append_text(out, "\n");
	base64_append(out, checkpoint->root, sizeof(checkpoint->root));
	buf_append_text(out, "\n");
}

void note_write_signature(const struct note_checkpoint *checkpoint,
			  const uint8_t key_hash[NOTE_KEY_HASH_SIZE],
			  const uint8_t signature[NOTE_SIGNATURE_SIZE], struct buf *out)
{
	uint8_t bytes[SIGNATURE_BYTES];

	memcpy(bytes, key_hash, NOTE_KEY_HASH_SIZE);
	memcpy(bytes + NOTE_KEY_HASH_SIZE, signature, NOTE_SIGNATURE_SIZE);
	buf_append_text(out, "\n" EM_DASH);
	buf_append_text(out, checkpoint->origin);
	buf_append_text(out, " ");
	base64_append(out, bytes, sizeof(bytes));
	buf_append_text(out, "\n");
}
