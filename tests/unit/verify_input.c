/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/verify/input.h"

#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char *directory;
static char path[512];

static void setup(void)
{
	directory = child_make_dir("input");
	snprintf(path, sizeof(path), "%s/report", directory);
}

static void teardown(void)
{
	child_remove_dir(directory);
	free(directory);
}

TestSuite(verify_input, .init = setup, .fini = teardown);

/* The cap, one byte less, one more; sparse, so it costs nothing. */
Test(verify_input, length)
{
	for (int off = -1; off <= 1; off++) {
		struct input input;
		struct fault fault = {0};

		child_write_file(path, "", 0);
		cr_assert_eq(truncate(path, (off_t)INPUT_LEN_MAX + off), 0);
		input_open(&input, path, &fault);
		cr_expect_eq(input.kind, off > 0 ? INPUT_ALIEN : INPUT_REPORT);
		cr_expect_eq(fault.code, off > 0 ? FAULT_REPORT_SCHEMA : FAULT_NONE);
		input_release(&input);
	}
}

/* The file changes between opening and reading: what was opened is what is judged. */
Test(verify_input, a_file_that_changes_its_length_is_refused)
{
	static const char *const later[] = {"abc", "abcde"};

	for (size_t i = 0; i < 2; i++) {
		struct input input;
		struct fault fault = {0};

		child_write_file(path, "abcd", 4);
		input_open(&input, path, &fault);
		cr_assert_eq(input.kind, INPUT_REPORT);
		child_write_file(path, later[i], strlen(later[i]));
		input_read(&input, &fault);
		cr_expect_eq(input.kind, INPUT_ALIEN, "%s", later[i]);
		cr_expect_eq(fault.code, FAULT_REPORT_SCHEMA);
		input_release(&input);
	}
}

Test(verify_input, a_name_that_changes_hands_does_not)
{
	struct input input;
	struct fault fault = {0};
	char other[600];

	child_write_file(path, "abcd", 4);
	input_open(&input, path, &fault);
	snprintf(other, sizeof(other), "%s/other", directory);
	child_write_file(other, "efgh", 4);
	cr_assert_eq(rename(other, path), 0);
	input_read(&input, &fault);
	cr_assert_eq(input.len, 4);
	cr_expect_arr_eq(input.data, "abcd", 4);
	input_release(&input);
}

Test(verify_input, a_socket)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct input input;
	struct fault fault = {0};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		cr_skip("no unix sockets here");
	strcpy(address.sun_path, path);
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	input_open(&input, path, &fault);
	cr_expect_eq(input.kind, INPUT_ALIEN);
	input_release(&input);
	close(fd);
}

/* Nothing in a directory that is handed over leads out of it. */
Test(verify_input, links_inside_a_run_directory)
{
	struct input input;
	struct fault fault = {0};
	char run[600], artifacts[700], report[800];

	child_write_file(path, "abcd", 4);
	snprintf(run, sizeof(run), "%s/run", directory);
	snprintf(artifacts, sizeof(artifacts), "%s/artifacts", run);
	snprintf(report, sizeof(report), "%s/run_report.json", artifacts);
	cr_assert(mkdir(run, 0700) == 0 && mkdir(artifacts, 0700) == 0);
	cr_assert_eq(symlink(path, report), 0);
	input_open(&input, run, &fault);
	cr_expect_eq(input.kind, INPUT_ALIEN, "report is a link");
	input_release(&input);
	cr_assert(unlink(report) == 0 && rmdir(artifacts) == 0);
	cr_assert_eq(symlink(directory, artifacts), 0);
	input_open(&input, run, &fault);
	cr_expect_eq(input.fd, -1, "artifacts is a link");
	input_release(&input);
	cr_assert_eq(unlink(artifacts), 0);
	child_write_file(artifacts, "", 0);
	input_open(&input, run, &fault);
	cr_expect_eq(input.fd, -1, "artifacts is a file");
	input_release(&input);
}
