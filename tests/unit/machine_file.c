/* SPDX-License-Identifier: Apache-2.0 */
/* What sr-machine tells of a VMM's file. */
#include "ipc/object.h"
#include "stages/machine/file.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BLOCK 262144 /* so much is read at once */
#define MARK  "QEMU emulator version "

static int file_of(const char *text, size_t offset, size_t size)
{
	int fd = memfd_create("vmm", MFD_CLOEXEC);

	cr_assert(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
	cr_assert_eq(pwrite(fd, text, strlen(text), (off_t)offset), (ssize_t)strlen(text));
	return fd;
}

static void expect_version(const char *text, size_t offset, size_t size, const char *expected)
{
	int fd = file_of(text, offset, size);

	for (int hashed = 0; hashed < 2; hashed++) {
		struct json_object *record = NULL;
		struct fault fault;

		cr_assert_eq(file_describe_vmm(fd, "vmm", hashed == 1, &record, &fault), FAULT_NONE,
			     "%s", fault.message);
		cr_expect_str_eq(object_text(record, "version"), expected,
				 "\"%s\" at %zu of %zu, %s", text, offset, size,
				 hashed ? "hashed" : "looked through");
		json_object_put(record);
	}
	close(fd);
}

Test(machine_file, a_version_is_found_wherever_it_stands)
{
	static const char text[] = MARK "7.2.22";
	size_t len = strlen(text), size = 2 * BLOCK + 100;

	expect_version(text, 0, size, "7.2.22");
	for (size_t i = 0; i <= len; i++)
		expect_version(text, BLOCK - i, size, "7.2.22");
	expect_version(text, size - len, size, "7.2.22");
	/* Cut at a block's end, which is the file's. */
	expect_version(text, BLOCK - len, BLOCK, "7.2.22");
	expect_version(text, 0, len, "7.2.22");
}

Test(machine_file, what_is_no_version_is_none)
{
	expect_version("QEMU emulator", BLOCK - 4, 2 * BLOCK, "");
	expect_version(MARK, BLOCK - strlen(MARK), 2 * BLOCK, "");
	expect_version(MARK " 7", 17, BLOCK, "");
}

/* As much of it as there is room for, and no more because a block ends in it. */
Test(machine_file, a_version_is_bounded)
{
	char text[256] = MARK, most[64] = "";

	memset(text + strlen(MARK), '9', 100);
	memset(most, '9', 63);
	for (size_t i = 0; i < strlen(MARK) + 100; i += 7)
		expect_version(text, BLOCK - i, 2 * BLOCK, most);
}
