/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/status.h"
#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BEFORE "Name:\tx\nUmask:\t0077\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t \n"
#define CAPS                                                                                       \
	"CapInh:\t0000000000000000\nCapPrm:\t00000000000000ff\nCapEff:\t0000000000000001\n"        \
	"CapBnd:\t000001ffffffffff\nCapAmb:\tffffffffffffffff\n"
#define AFTER "NoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t3\n"

static int read_text(const char *text, size_t len, struct sandbox_status *status)
{
	int fd = memfd_create("status", MFD_CLOEXEC);
	int result, saved;

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, len), (ssize_t)len);
	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	result = sandbox_status_read(fd, status);
	saved = errno;
	close(fd);
	errno = saved;
	return result;
}

Test(status, reads_every_field)
{
	static const char text[] = BEFORE CAPS AFTER;
	struct sandbox_status status;

	cr_assert_eq(read_text(text, strlen(text), &status), 0);
	for (uint32_t i = 0; i < 4; i++) {
		cr_expect_eq(status.uid[i], i + 1);
		cr_expect_eq(status.gid[i], i + 5);
	}
	cr_expect_eq(status.cap_inheritable, 0);
	cr_expect_eq(status.cap_permitted, 0xff);
	cr_expect_eq(status.cap_effective, 1);
	cr_expect_eq(status.cap_bounding, 0x1ffffffffffULL);
	cr_expect_eq(status.cap_ambient, UINT64_MAX);
	cr_expect(status.no_new_privs);
	cr_expect_eq(status.seccomp_mode, 2);
	cr_expect_eq(status.seccomp_filters, 3);
}

Test(status, does_without_the_number_of_filters)
{
	static const char text[] = BEFORE CAPS "NoNewPrivs:\t0\nSeccomp:\t0\n";
	struct sandbox_status status;

	cr_assert_eq(read_text(text, strlen(text), &status), 0);
	cr_expect_eq(status.seccomp_filters, -1);
	cr_expect_not(status.no_new_privs);
}

Test(status, reads_our_own)
{
	struct sandbox_status status;
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	cr_assert_eq(sandbox_status_read(fd, &status), 0);
	close(fd);
	cr_expect_eq(status.uid[1], geteuid());
	cr_expect_eq(status.gid[0], getgid());
}

Test(status, refuses_what_it_does_not_understand)
{
	static const char *const texts[] = {
		"",
		BEFORE CAPS,
		CAPS AFTER,
		BEFORE AFTER,
		BEFORE CAPS "NoNewPrivs:\t2\nSeccomp:\t2\n",
		BEFORE CAPS "NoNewPrivs:\t1\nSeccomp:\t3\n",
		BEFORE CAPS "NoNewPrivs:\t-1\nSeccomp:\t2\n",
		BEFORE CAPS "NoNewPrivs:\t1 x\nSeccomp:\t2\n",
		BEFORE CAPS "NoNewPrivs:\t\nSeccomp:\t2\n",
		BEFORE CAPS "NoNewPrivs:\t1\nSeccomp:\t2",
		BEFORE CAPS "xNoNewPrivs:\t1\nSeccomp:\t2\n",
		"Uid:\t1\t2\t3\nGid:\t5\t6\t7\t8\n" CAPS AFTER,
		"Uid:\t1\t2\t3\t4\t5\nGid:\t5\t6\t7\t8\n" CAPS AFTER,
		"Uid:\t1\t2\t3\t4294967296\nGid:\t5\t6\t7\t8\n" CAPS AFTER,
		BEFORE "CapInh:\t0\nCapPrm:\t10000000000000000\nCapEff:\t0\nCapBnd:\t0\nCapAmb:"
		       "\t0\n" AFTER,
		BEFORE "CapInh:\t0\nCapPrm:\tg\nCapEff:\t0\nCapBnd:\t0\nCapAmb:\t0\n" AFTER,
	};
	struct sandbox_status status;

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		errno = 0;
		cr_expect_eq(read_text(texts[i], strlen(texts[i]), &status), -1, "text %zu", i);
		cr_expect_eq(errno, EBADMSG, "text %zu", i);
	}
}

/* A file of exactly one byte less than the buffer fits; what fills it may have been cut. */
Test(status, refuses_a_file_that_may_be_cut)
{
	enum { LIMIT = 16384 - 1 };
	static const char text[] = BEFORE CAPS AFTER;
	static char padded[LIMIT + 1];
	struct sandbox_status status;

	for (size_t len = LIMIT - 1; len <= LIMIT + 1; len++) {
		memset(padded, '\n', sizeof padded);
		memcpy(padded, text, strlen(text));
		cr_expect_eq(read_text(padded, len, &status), len < LIMIT ? 0 : -1, "%zu", len);
	}
}

Test(status, refuses_a_nul)
{
	static const char text[] = BEFORE CAPS AFTER "\0";
	struct sandbox_status status;

	cr_expect_eq(read_text(text, sizeof text - 1, &status), -1);
}
