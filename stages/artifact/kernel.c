/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/artifact/kernel.h"

#include "stages/artifact/expand.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#define CODE FAULT_RUN_INIT
#define PATH "artifact.kernel"

/* Offsets of boot.rst's header fields. */
#define SETUP_SECTS    0x1f1
#define MAGIC	       0x202
#define KERNEL_VERSION 0x20e
#define PAYLOAD_OFFSET 0x248
#define PAYLOAD_LENGTH 0x24c
#define HEADER_END     0x250
#define SECTOR	       512

static uint32_t little(const uint8_t *at, size_t size)
{
	uint32_t value = 0;

	for (size_t i = size; i-- > 0;)
		value = value << 8 | at[i];
	return value;
}

static enum fault_code check(const uint8_t *image, size_t len, struct fault *fault)
{
	if (len > HEADER_END && memcmp(image + MAGIC, "HdrS", 4) == 0)
		return FAULT_NONE;
	return fault_set(fault, CODE, PATH,
			 "is no bzImage: give a kernel as a boot loader takes it, vmlinuz");
}

enum fault_code kernel_release(const uint8_t *image, size_t len, char release[KERNEL_RELEASE_MAX],
			       struct fault *fault)
{
	size_t at, text_len;
	enum fault_code code = check(image, len, fault);

	if (code != FAULT_NONE)
		return code;
	/* Counted from the second sector; the text goes on with who built it, and where. */
	at = little(image + KERNEL_VERSION, 2) + SECTOR;
	text_len = at < len ? strnlen((const char *)image + at, len - at) : 0;
	for (size_t i = 0; i < text_len && i < KERNEL_RELEASE_MAX; i++) {
		release[i] = (char)image[at + i];
		if (release[i] == ' ') {
			release[i] = '\0';
			return FAULT_NONE;
		}
	}
	return fault_set(fault, CODE, PATH, "does not say its release");
}

enum fault_code kernel_expand(const uint8_t *image, size_t len, uint8_t **vmlinux,
			      size_t *vmlinux_len, struct fault *fault)
{
	size_t setup, offset, length;
	enum fault_code code = check(image, len, fault);

	if (code != FAULT_NONE)
		return code;
	/* 0 is 4, for the oldest loaders' sake. */
	setup = (size_t)(image[SETUP_SECTS] != 0 ? image[SETUP_SECTS] : 4) * SECTOR + SECTOR;
	offset = little(image + PAYLOAD_OFFSET, 4);
	length = little(image + PAYLOAD_LENGTH, 4);
	if (setup > len || offset > len - setup || length > len - setup - offset)
		return fault_set(fault, CODE, PATH, "says its payload is where the file is not");
	code = expand(image + setup + offset, length, "the kernel", KERNEL_EXPANDED_MAX, vmlinux,
		      vmlinux_len, fault);
	if (code != FAULT_NONE)
		return code;
	if (*vmlinux_len > SELFMAG && memcmp(*vmlinux, ELFMAG, SELFMAG) == 0)
		return FAULT_NONE;
	free(*vmlinux);
	*vmlinux = NULL;
	return fault_set(fault, CODE, PATH, "what is packed in it is no ELF file");
}
