/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/archive/note.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char text_part[] = "example.org/log\n"
				"34\n"
				"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

#define DASH "\xe2\x80\x94 "
/* 68 bytes in base64: four of the key's hash, 64 of a signature. */
#define SIGNATURE                                                                                  \
	"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+"     \
	"P0BBQkM="
#define LINE DASH "example.org/log " SIGNATURE "\n"

static bool read_text(const char *text, struct note *note)
{
	struct fault fault;

	return note_read((struct span){text, strlen(text)}, note, &fault) == FAULT_NONE;
}

static const char *const accepted[] = {
	"o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n" LINE,
	"o\n9223372036854775807\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n" LINE,
	"example.org/log\n34\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n" LINE LINE,
	"example.org/log\n34\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n" DASH
	"witness.example AAAAAAE=\n" LINE,
};

static const struct {
	const char *what, *text;
} refused[] = {
	{"nothing", ""},
	{"no empty line", "o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n" LINE},
	{"no signature", "o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n"},
	{"signature line without LF",
	 "o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n" DASH "o " SIGNATURE},
	{"leading zero", "o\n01\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n" LINE},
	{"negative", "o\n-1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n" LINE},
	{"too large",
	 "o\n9223372036854775808\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n" LINE},
	{"no size", "o\n\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n" LINE},
	{"space in the origin", "o o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n" LINE},
	{"plus in the origin", "o+o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n" LINE},
	{"no origin", "\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n" LINE},
	{"31 bytes of root", "o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuA==\n\n" LINE},
	{"33 bytes of root", "o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFUA\n\n" LINE},
	{"bits behind the root", "o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n\n" LINE},
	{"the other alphabet", "o\n0\n47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=\n\n" LINE},
	{"no padding", "o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\n\n" LINE},
	{"an extension line", "o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nx\n\n" LINE},
	{"carriage returns", "o\r\n0\r\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\r\n\r\n" LINE},
	{"a tab", "o\t\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n" LINE},
	{"DEL", "o\x7f\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n" LINE},
	{"a C1 control",
	 "o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n" DASH "o\xc2\x85 AAAAAAE=\n" LINE},
	{"a control in a name",
	 "o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n" DASH "o\x01 AAAAAAE=\n"},
	{"not UTF-8",
	 "o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n" DASH "o\xff AAAAAAE=\n"},
	{"a hyphen for the dash",
	 "o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n- o " SIGNATURE "\n"},
	{"a signature without a name",
	 "o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n" DASH " " SIGNATURE "\n"},
	{"a signature of four bytes",
	 "o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n" DASH "o AAAAAA==\n"},
	{"words behind the signature",
	 "o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n" DASH "o " SIGNATURE " x\n"},
};

Test(archive_note, what_is_read)
{
	struct note note;

	for (size_t i = 0; i < COUNT(accepted); i++)
		cr_expect(read_text(accepted[i], &note), "%zu", i);
	for (size_t i = 0; i < COUNT(refused); i++)
		cr_expect_not(read_text(refused[i].text, &note), "%s", refused[i].what);
}

Test(archive_note, what_it_says)
{
	struct note note;

	cr_assert(read_text(accepted[2], &note));
	cr_expect_str_eq(note.checkpoint.origin, "example.org/log");
	cr_expect_eq(note.checkpoint.size, 34);
	cr_expect_eq(note.checkpoint.root[0], 0x0a);
	cr_expect_eq(note.text.len, strlen(text_part));
	cr_expect_eq(memcmp(note.text.at, text_part, note.text.len), 0);
}

Test(archive_note, how_many_signers)
{
	char text[NOTE_LEN_MAX];
	struct note note;

	for (size_t count = NOTE_SIGNERS_MAX - 1; count <= NOTE_SIGNERS_MAX + 1; count++) {
		int len = snprintf(text, sizeof(text), "%s\n", text_part);

		for (size_t i = 0; i < count; i++)
			len += snprintf(text + len, sizeof(text) - (size_t)len, "%s", LINE);
		cr_expect_eq(read_text(text, &note), count <= NOTE_SIGNERS_MAX, "%zu", count);
	}
}

Test(archive_note, whose_signature)
{
	static const uint8_t ours[] = {0, 1, 2, 3}, others[] = {9, 9, 9, 9};
	uint8_t signature[NOTE_SIGNATURE_SIZE];
	struct note note;

	cr_assert(read_text(
		"example.org/log\n34\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n" DASH
		"witness.example AAAAAAE=\n" LINE,
		&note));
	cr_expect_eq(note_find_signature(&note, ours, signature), NOTE_SIGNER_FOUND);
	cr_expect_eq(signature[0], 4);
	cr_expect_eq(signature[63], 67);
	cr_expect_eq(note_find_signature(&note, others, signature), NOTE_SIGNER_OTHER);
	cr_assert(read_text(accepted[2], &note));
	cr_expect_eq(note_find_signature(&note, ours, signature), NOTE_SIGNER_TWICE);
	cr_assert(read_text(accepted[0], &note));
	cr_expect_eq(note_find_signature(&note, ours, signature), NOTE_SIGNER_NONE);
}

/* c2sp.org/signed-note: the hash of name, LF, 0x01 and the key. */
Test(archive_note, key_hash)
{
	static const uint8_t key[NOTE_PUBLIC_SIZE] = {1};
	uint8_t bytes[2 + 1 + 1 + NOTE_PUBLIC_SIZE] = {'o', '\n', 1, 1}, sum[DIGEST_SIZE];
	uint8_t hash[NOTE_KEY_HASH_SIZE];

	digest_bytes(bytes, 1 + 1 + 1 + NOTE_PUBLIC_SIZE, sum);
	note_key_hash("o", key, hash);
	cr_expect_arr_eq(hash, sum, NOTE_KEY_HASH_SIZE);
}

Test(archive_note, what_is_written_is_read)
{
	struct note_checkpoint checkpoint = {.origin = "example.org/log", .size = 34, .root = {7}};
	static const uint8_t hash[NOTE_KEY_HASH_SIZE] = {1, 2, 3, 4};
	uint8_t signature[NOTE_SIGNATURE_SIZE] = {5}, found[NOTE_SIGNATURE_SIZE];
	struct buf text BUF_CLEANUP;
	struct fault fault;
	struct note note;

	buf_init(&text, NOTE_LEN_MAX);
	note_write_text(&checkpoint, &text);
	note_write_signature(&checkpoint, hash, signature, &text);
	cr_assert_eq(note_read((struct span){text.data, text.len}, &note, &fault), FAULT_NONE, "%s",
		     fault.message);
	cr_expect_eq(note.checkpoint.size, 34);
	cr_expect_arr_eq(note.checkpoint.root, checkpoint.root, DIGEST_SIZE);
	cr_expect_eq(note_find_signature(&note, hash, found), NOTE_SIGNER_FOUND);
	cr_expect_arr_eq(found, signature, sizeof(found));
}

Test(archive_note, origins)
{
	char longest[NOTE_ORIGIN_MAX + 2];

	cr_expect(note_origin_valid("safe-run-archive/0123456789abcdef"));
	cr_expect_not(note_origin_valid(""));
	cr_expect_not(note_origin_valid("a b"));
	cr_expect_not(note_origin_valid("a+b"));
	cr_expect_not(note_origin_valid("a\xc3\xa9"));
	for (size_t len = NOTE_ORIGIN_MAX - 1; len <= NOTE_ORIGIN_MAX + 1; len++) {
		memset(longest, 'x', len);
		longest[len] = '\0';
		cr_expect_eq(note_origin_valid(longest), len <= NOTE_ORIGIN_MAX, "%zu", len);
	}
}
