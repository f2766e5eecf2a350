/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each executable may be made of, read from the file itself: how it is linked, which of its
 * pages can be written or executed, and which libraries went into it.
 */
#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#ifndef DF_1_PIE
#define DF_1_PIE 0x08000000
#endif

static const struct program {
	const char *name;
	bool yaml;   /* parses what a person wrote */
	bool crypto; /* hashes */
} programs[] = {
	{"sr-validate", true, false}, {"sr-compile", false, true},  {"sr-launch", false, true},
	{"sr-monitor", false, true},  {"sr-seal", false, true},	    {"sr-verify", false, true},
	{"sr-collect", false, false}, {"sr-deposit", false, true},  {"sr-export", false, true},
	{"sr-diff", false, true},     {"sr-inspect", false, true},  {"sr-compare", false, false},
	{"sr-signer", false, true},   {"sr-ed25519", false, false}, {"sr-key", false, true},
	{"sr-prove", false, true},    {"sr-archive", false, true},  {"safe-run", false, false},
	{"sr-tree", false, true},     {"sr-unpack", false, true},   {"sr-machine", false, true},
	{"sr-resolve", false, false}, {"sr-egress", false, false},  {"sr-guest", false, false},
	{"sr-init", false, true},     {"sr-image", false, true},    {"sr-artifact", false, true},
	{"sr-filter", false, false},  {"sr-uplink", false, false},  {"sr-usernet", false, true},
	{"sr-jail", false, true},     {"sr-version", false, false},
};

/* One function of each library that nothing using the library does without. */
#define SYMBOL_YAML    "yaml_parser_parse"
#define SYMBOL_CRYPTO  "SHA256_Update"
#define SYMBOL_JSON    "json_object_new_object"
#define SYMBOL_SQLITE  "sqlite3_open_v2"
#define SYMBOL_ARCHIVE "archive_read_new"
#define SYMBOL_SODIUM  "crypto_sign_ed25519_detached"
#define SYMBOL_EVP     "EVP_DigestSign"

/* Never in a program of ours: shells, name services, filters compiled at run time. */
static const char *const forbidden[] = {
	"system",   "popen",	"wordexp",	"getaddrinfo",
	"getpwnam", "getgrnam", "seccomp_init", "seccomp_load",
};

struct image {
	const char *name;
	char *bytes;
	size_t len;
	const Elf64_Ehdr *header;
};

/* Everything below is bounds-checked here: offsets in the file are not to be believed. */
static const void *image_at(const struct image *image, uint64_t offset, uint64_t len)
{
	cr_assert(offset <= image->len && len <= image->len - offset, "%s is cut", image->name);
	return image->bytes + offset;
}

static struct image image_read(const char *name)
{
	struct image image = {.name = name};

	image.bytes = child_read_file(child_path(name), &image.len);
	cr_assert_not_null(image.bytes, "no %s", child_path(name));
	image.header = image_at(&image, 0, sizeof *image.header);
	cr_assert_eq(memcmp(image.header->e_ident, ELFMAG, SELFMAG), 0);
	cr_assert_eq(image.header->e_ident[EI_CLASS], ELFCLASS64);
	return image;
}

static const Elf64_Phdr *image_segments(const struct image *image)
{
	return image_at(image, image->header->e_phoff,
			(uint64_t)image->header->e_phnum * sizeof(Elf64_Phdr));
}

static const Elf64_Phdr *segment_find(const struct image *image, uint32_t type)
{
	const Elf64_Phdr *segments = image_segments(image);

	for (size_t i = 0; i < image->header->e_phnum; i++)
		if (segments[i].p_type == type)
			return &segments[i];
	return NULL;
}

static uint64_t dynamic_value(const struct image *image, int64_t tag)
{
	const Elf64_Phdr *segment = segment_find(image, PT_DYNAMIC);
	const Elf64_Dyn *entries;

	cr_assert_not_null(segment, "%s is not position independent", image->name);
	entries = image_at(image, segment->p_offset, segment->p_filesz);
	for (size_t i = 0; i < segment->p_filesz / sizeof *entries; i++)
		if (entries[i].d_tag == tag)
			return entries[i].d_un.d_val;
	return 0;
}

static const Elf64_Shdr *section_find(const struct image *image, uint32_t type)
{
	const Elf64_Shdr *sections =
		image_at(image, image->header->e_shoff,
			 (uint64_t)image->header->e_shnum * sizeof(Elf64_Shdr));

	for (size_t i = 0; i < image->header->e_shnum; i++)
		if (sections[i].sh_type == type)
			return &sections[i];
	return NULL;
}

static bool defines(const struct image *image, const char *name)
{
	const Elf64_Shdr *table = section_find(image, SHT_SYMTAB);
	const Elf64_Shdr *sections = image_at(image, image->header->e_shoff, 0);
	const Elf64_Sym *symbols;
	const char *names;
	uint64_t names_len;

	cr_assert_not_null(table, "%s is stripped", image->name);
	symbols = image_at(image, table->sh_offset, table->sh_size);
	names_len = sections[table->sh_link].sh_size;
	names = image_at(image, sections[table->sh_link].sh_offset, names_len);
	for (size_t i = 0; i < table->sh_size / sizeof *symbols; i++) {
		cr_assert_lt(symbols[i].st_name, names_len);
		if (symbols[i].st_shndx != SHN_UNDEF &&
		    strcmp(names + symbols[i].st_name, name) == 0)
			return true;
	}
	return false;
}

static void each_program(void (*check)(const struct program *program, const struct image *image))
{
#ifdef SAFE_RUN_SANITIZED
	cr_skip_test("a sanitized build is linked dynamically and never installed");
#endif
	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
		struct image image = image_read(programs[i].name);

		check(&programs[i], &image);
		free(image.bytes);
	}
}

/* The name is among the strings a loader reads, in .dynstr. */
static bool needs(const struct image *image, const char *library)
{
	size_t len = strlen(library) + 1;

	return memmem(image->bytes, image->len, library, len) != NULL;
}

/* Debian has no archive of libnftables: these two alone have a loader, and that one library. */
static bool is_dynamic(const struct program *program)
{
	return strcmp(program->name, "sr-filter") == 0 || strcmp(program->name, "sr-uplink") == 0;
}

static void check_static(const struct program *program, const struct image *image)
{
	if (is_dynamic(program)) {
		cr_expect(dynamic_value(image, DT_FLAGS_1) & DF_1_PIE, "%s", program->name);
		cr_expect_not_null(segment_find(image, PT_INTERP), "%s", program->name);
		cr_expect(needs(image, "libnftables.so.1"), "%s", program->name);
		return;
	}
	cr_expect_not(needs(image, "libnftables.so.1"), "%s", program->name);
	cr_expect_eq(image->header->e_type, ET_DYN, "%s", program->name);
	cr_expect_null(segment_find(image, PT_INTERP), "%s asks for a loader", program->name);
	cr_expect(dynamic_value(image, DT_FLAGS_1) & DF_1_PIE, "%s", program->name);
	cr_expect_eq(dynamic_value(image, DT_NEEDED), 0, "%s needs a library", program->name);
}

Test(manifest, static_and_position_independent)
{
	each_program(check_static);
}

static void check_pages(const struct program *program, const struct image *image)
{
	const Elf64_Phdr *segments = image_segments(image);
	const Elf64_Phdr *stack = segment_find(image, PT_GNU_STACK);

	cr_expect_not_null(segment_find(image, PT_GNU_RELRO), "%s has no RELRO", program->name);
	cr_expect(dynamic_value(image, DT_FLAGS) & DF_BIND_NOW, "%s binds late", program->name);
	cr_expect_eq(dynamic_value(image, DT_TEXTREL), 0, "%s", program->name);
	cr_assert_not_null(stack, "%s", program->name);
	cr_expect_eq(stack->p_flags & PF_X, 0, "%s has an executable stack", program->name);
	for (size_t i = 0; i < image->header->e_phnum; i++)
		if (segments[i].p_type == PT_LOAD)
			cr_expect((segments[i].p_flags & (PF_W | PF_X)) != (PF_W | PF_X),
				  "%s: segment %zu", program->name, i);
}

Test(manifest, no_page_is_written_and_executed)
{
	each_program(check_pages);
}

static void check_libraries(const struct program *program, const struct image *image)
{
	cr_expect_eq(defines(image, SYMBOL_YAML), program->yaml, "%s: libyaml", program->name);
	cr_expect_eq(defines(image, SYMBOL_CRYPTO), program->crypto, "%s: libcrypto",
		     program->name);
	cr_expect(defines(image, SYMBOL_JSON), "%s: json-c", program->name);
	cr_expect_eq(defines(image, SYMBOL_ARCHIVE), strcmp(program->name, "sr-unpack") == 0,
		     "%s: libarchive", program->name);
	/* The front-end for a child of its own (cmd/signer_child.h). */
	cr_expect_eq(defines(image, SYMBOL_SODIUM),
		     strcmp(program->name, "sr-ed25519") == 0 ||
			     strcmp(program->name, "safe-run") == 0,
		     "%s: libsodium", program->name);
	cr_expect(!defines(image, SYMBOL_SODIUM) || !defines(image, SYMBOL_EVP),
		  "%s: libsodium and EVP", program->name);
	cr_expect_eq(defines(image, SYMBOL_SQLITE), strcmp(program->name, "sr-archive") == 0,
		     "%s: SQLite", program->name);
	for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++)
		cr_expect_not(defines(image, forbidden[i]), "%s holds %s", program->name,
			      forbidden[i]);
}

Test(manifest, libraries_where_they_belong)
{
	each_program(check_libraries);
}
