/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/shelf.h"

#include "tests/support/evidence.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORDS_MAX 24

/* Keys of the tests alone. */
static const char archive_key[] =
	"Purpose: archive\n-----BEGIN PRIVATE KEY-----\n"
	"MC4CAQAwBQYDK2VwBCIEIBl1eAhSd4bUwncf6GiOj5RSTRQ6+01kfub4RS0Ksrp8\n"
	"-----END PRIVATE KEY-----\n";
static const char archive_public[] =
	"Purpose: archive\n-----BEGIN PUBLIC KEY-----\n"
	"MCowBQYDK2VwAyEA6Ar3ZccUdOurx46vZYRj9f2L/VZFlQ0l7pB5RNneN2A=\n"
	"-----END PUBLIC KEY-----\n";
static const char other_key[] = "-----BEGIN PRIVATE KEY-----\n"
				"MC4CAQAwBQYDK2VwBCIEIHq9GkHDhmntCGRQuTx50wOazsDMzSTSsx6T7loEVHDN\n"
				"-----END PRIVATE KEY-----\n";
static const char other_public[] = "-----BEGIN PUBLIC KEY-----\n"
				   "MCowBQYDK2VwAyEApgj2q3zCm8jdHrlNZwTXJsWbPrG0AHrYFm5xM3gdOqE=\n"
				   "-----END PUBLIC KEY-----\n";
static const char seal_line[] = "Purpose: seal\n";

static void put_file(struct shelf *shelf, const char *name, char path[600], const char *first,
		     const char *second)
{
	char text[1024];

	snprintf(path, 600, "%s/%s", shelf->directory, name);
	snprintf(text, sizeof(text), "%s%s", first, second);
	child_write_file(path, text, strlen(text));
	cr_assert_eq(chmod(path, 0600), 0);
}

void shelf_open(struct shelf *shelf)
{
	shelf->directory = child_make_dir("archive");
	snprintf(shelf->archive, sizeof(shelf->archive), "%s/a", shelf->directory);
	cr_assert_eq(mkdir(shelf->archive, 0700), 0);
	put_file(shelf, "key", shelf->key, "", archive_key);
	put_file(shelf, "key.pub", shelf->public_key, "", archive_public);
	put_file(shelf, "other", shelf->other_key, "", other_key);
	put_file(shelf, "other.pub", shelf->other_public, "", other_public);
	put_file(shelf, "seal", shelf->seal_key, seal_line, other_key);
}

void shelf_close(struct shelf *shelf)
{
	child_remove_dir(shelf->directory);
	free(shelf->directory);
}

const char *shelf_path(const struct shelf *shelf, const char *name)
{
	static char paths[4][700];
	static unsigned int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", shelf->archive, name);
	return path;
}

void shelf_report(unsigned int number, size_t count, struct buf *report)
{
	char run_id[sizeof(EVIDENCE_RUN_ID)];
	struct buf stream BUF_CLEANUP;

	snprintf(run_id, sizeof(run_id), "sr-20260101-000000-%08x", number);
	buf_init(&stream, EVIDENCE_MAX);
	buf_init(report, EVIDENCE_MAX);
	evidence_failed(&stream, count);
	evidence_replace(&stream, EVIDENCE_RUN_ID, run_id, -1);
	evidence_seal(&stream, report);
}

static int sealed(const struct buf *bytes)
{
	int fd = memfd_create("report", MFD_ALLOW_SEALING);

	cr_assert_geq(fd, 3);
	cr_assert_eq(write(fd, bytes->data, bytes->len), (ssize_t)bytes->len);
	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK), 0);
	return fd;
}

/* What sr-verify says of it, on a descriptor. */
static int verdict_of(int report_fd)
{
	char number[16];
	const char *argv[] = {"sr-verify", "--report-fd", number, NULL};
	struct child_options options = {.keep_fds = {report_fd}};
	struct child_result result;
	int fd = memfd_create("verdict", 0);

	snprintf(number, sizeof(number), "%d", report_fd);
	child_run(argv, NULL, 0, &options, &result);
	cr_assert_eq(write(fd, result.out, result.out_len), (ssize_t)result.out_len);
	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	child_release(&result);
	cr_assert_eq(lseek(report_fd, 0, SEEK_SET), 0);
	return fd;
}

void shelf_add(const struct shelf *shelf, const char *program, const char *const *env,
	       const struct buf *report, const char *retention, struct child_result *result)
{
	int report_fd = sealed(report), verdict_fd = verdict_of(report_fd);
	int key_fd = open(shelf->key, O_RDONLY);
	char numbers[3][16];
	const char *argv[WORDS_MAX] = {program,	   "--archive",	   shelf->archive, "--report-fd",
				       numbers[0], "--verdict-fd", numbers[1],	   "--key-fd",
				       numbers[2], "--origin",	   "test/archive"};
	struct child_options options = {.env = env, .keep_fds = {report_fd, verdict_fd, key_fd}};
	size_t count = 11;

	snprintf(numbers[0], sizeof(numbers[0]), "%d", report_fd);
	snprintf(numbers[1], sizeof(numbers[1]), "%d", verdict_fd);
	snprintf(numbers[2], sizeof(numbers[2]), "%d", key_fd);
	if (retention != NULL) {
		argv[count++] = "--retention";
		argv[count++] = retention;
	}
	argv[count] = "add";
	child_run(argv, NULL, 0, &options, result);
	close(report_fd);
	close(verdict_fd);
	close(key_fd);
}

void shelf_fill(const struct shelf *shelf, unsigned int first, unsigned int count)
{
	for (unsigned int i = first; i < first + count; i++) {
		struct child_result result;
		struct buf report;

		shelf_report(i, 2, &report);
		shelf_add(shelf, "sr-archive", NULL, &report, NULL, &result);
		cr_assert_eq(result.status, 0, "%s%s", result.out, result.err);
		child_release(&result);
		buf_release(&report);
	}
}

void shelf_run(const struct shelf *shelf, const char *const words[], struct child_result *result)
{
	const char *argv[WORDS_MAX] = {"sr-archive", "--archive", shelf->archive};

	for (size_t i = 0; words[i] != NULL; i++)
		argv[3 + i] = words[i];
	child_run(argv, NULL, 0, NULL, result);
}

void shelf_verify(const struct shelf *shelf, const char *since, struct child_result *result)
{
	const char *plain[] = {"--key", shelf->public_key, "verify", NULL};
	const char *grown[] = {"--key", shelf->public_key, "--since", since, "verify", NULL};

	shelf_run(shelf, since == NULL ? plain : grown, result);
}
