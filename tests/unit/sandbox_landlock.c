/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/landlock.h"
#include "tests/support/child.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define BROKEN 200

Test(landlock, knows_the_rights_of_each_abi)
{
	static const struct {
		int abi;
		uint64_t rights;
	} cases[] = {
		{1, 0x1fff}, {2, 0x3fff}, {3, 0x7fff}, {4, 0x7fff},
		{5, 0xffff}, {6, 0xffff}, {7, 0xffff},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		cr_expect_eq(landlock_fs_rights(cases[i].abi), cases[i].rights, "ABI %d",
			     cases[i].abi);
}

/* One restriction per process: each case has its own child, which exits with the errno it met. */
static int in_child(int (*attempt)(const char *directory), const char *directory)
{
	pid_t pid = fork();
	int status;

	cr_assert_geq(pid, 0);
	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			_exit(BROKEN);
		_exit(attempt(directory));
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int open_error(const char *directory, const char *name, int flags)
{
	char path[512];
	int fd;

	snprintf(path, sizeof path, "%s/%s", directory, name);
	fd = open(path, flags | O_CLOEXEC, 0600);
	return fd < 0 ? errno : 0;
}

static void restrict_to(const char *directory, uint64_t access)
{
	const struct sandbox_path_rule rule = {directory, access};

	if (landlock_restrict(&rule, 1, NULL, 0, NULL) < 0)
		_exit(BROKEN);
}

static int read_beneath(const char *directory)
{
	restrict_to(directory, SANDBOX_FS_READ_FILE);
	return open_error(directory, "file", O_RDONLY);
}

static int write_beneath(const char *directory)
{
	restrict_to(directory, SANDBOX_FS_READ_FILE);
	return open_error(directory, "file", O_WRONLY);
}

static int truncate_beneath(const char *directory)
{
	restrict_to(directory, SANDBOX_FS_READ_FILE | SANDBOX_FS_WRITE_FILE);
	return open_error(directory, "file", O_WRONLY | O_TRUNC);
}

static int list_beneath(const char *directory)
{
	restrict_to(directory, SANDBOX_FS_READ_FILE);
	return open_error(directory, ".", O_RDONLY | O_DIRECTORY);
}

static int make_beneath(const char *directory)
{
	restrict_to(directory, SANDBOX_FS_WRITE_FILE);
	return open_error(directory, "new", O_WRONLY | O_CREAT);
}

static int read_elsewhere(const char *directory)
{
	restrict_to(directory, SANDBOX_FS_READ_FILE);
	return open_error("/etc", "passwd", O_RDONLY);
}

static int path_elsewhere(const char *directory)
{
	restrict_to(directory, SANDBOX_FS_READ_FILE);
	return open_error("/etc", "passwd", O_PATH);
}

static int read_without_rules(const char *directory)
{
	if (landlock_restrict(NULL, 0, NULL, 0, NULL) < 0)
		return BROKEN;
	return open_error(directory, "file", O_RDONLY);
}

static int read_by_descriptor_rule(const char *directory)
{
	struct sandbox_fd_rule rule = {.landlock_access = SANDBOX_FS_READ_FILE};

	rule.fd = open(directory, O_PATH | O_CLOEXEC);
	if (landlock_restrict(NULL, 0, &rule, 1, NULL) < 0)
		return BROKEN;
	return open_error(directory, "file", O_RDONLY);
}

static int missing_path(const char *directory)
{
	const struct sandbox_path_rule rules[] = {
		{directory, SANDBOX_FS_READ_FILE},
		{"/nowhere-at-all", SANDBOX_FS_READ_FILE},
	};

	return landlock_restrict(rules, 2, NULL, 0, NULL) < 0 ? errno : 0;
}

Test(landlock, gives_back_what_rules_name_and_no_more)
{
	static const struct {
		const char *what;
		int (*attempt)(const char *directory);
		int error;
		int abi; /* that brought it */
	} cases[] = {
		{"read beneath", read_beneath, 0, 1},
		{"write beneath", write_beneath, EACCES, 1},
		{"truncate beneath", truncate_beneath, EACCES, 3},
		{"list beneath", list_beneath, EACCES, 1},
		{"make beneath", make_beneath, EACCES, 1},
		{"read elsewhere", read_elsewhere, EACCES, 1},
		{"O_PATH elsewhere", path_elsewhere, 0, 1},
		{"read without rules", read_without_rules, EACCES, 1},
		{"read by a descriptor's rule", read_by_descriptor_rule, 0, 1},
		{"a path that does not exist", missing_path, ENOENT, 1},
	};
	char *directory = child_make_dir("landlock");
	char path[512];

	snprintf(path, sizeof path, "%s/file", directory);
	child_write_file(path, "x", 1);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (landlock_abi() >= cases[i].abi)
			cr_expect_eq(in_child(cases[i].attempt, directory), cases[i].error, "%s",
				     cases[i].what);
	child_remove_dir(directory);
	free(directory);
}

static int bind_tcp(const char *directory)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	restrict_to(directory, SANDBOX_FS_READ_FILE);
	return bind(fd, (struct sockaddr *)&any, sizeof any) < 0 ? errno : 0;
}

static int signal_parent(const char *directory)
{
	restrict_to(directory, SANDBOX_FS_READ_FILE);
	return kill(getppid(), 0) < 0 ? errno : 0;
}

static int connect_abstract(const char *directory)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "sr-landlock-%d", getppid());
	restrict_to(directory, SANDBOX_FS_READ_FILE);
	return connect(fd, (struct sockaddr *)&name, sizeof name) < 0 ? errno : 0;
}

Test(landlock, closes_ports_abstract_sockets_and_signals)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "sr-landlock-%d", getpid());
	cr_assert_eq(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
	cr_assert_eq(listen(fd, 1), 0);
	if (landlock_abi() >= 4)
		cr_expect_eq(in_child(bind_tcp, "/"), EACCES);
	if (landlock_abi() >= 6) {
		cr_expect_eq(in_child(signal_parent, "/"), EPERM);
		cr_expect_eq(in_child(connect_abstract, "/"), EPERM);
	}
	close(fd);
}

static int report_matches(const char *directory)
{
	const struct sandbox_path_rule rule = {directory, SANDBOX_FS_READ_FILE};
	struct landlock_report report;

	if (landlock_restrict(&rule, 1, NULL, 0, &report) < 0)
		return BROKEN;
	return report.abi != landlock_abi() ||
	       report.handled_fs != landlock_fs_rights(report.abi) ||
	       report.handled_net != (report.abi >= 4 ? 3U : 0U) ||
	       report.scoped != (report.abi >= 6 ? 3U : 0U);
}

Test(landlock, reports_what_it_handles)
{
	cr_expect_eq(in_child(report_matches, "/"), 0);
}
