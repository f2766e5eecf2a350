/* SPDX-License-Identifier: Apache-2.0 */
/* The signer as a service (safe-run signer, run --signer), and signers that are none. */
#include "tests/pipeline/bench.h"
#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SERVICE                                                                                    \
	"$SR key generate --out key; $SR signer --key key --socket $PWD/socket >log & signer=$!\n" \
	"trap 'kill $signer 2>/dev/null || :; wait' EXIT\n"                                        \
	"until test -S socket; do :; done\n"

Test(signing, a_signer_under_another_roof)
{
	struct bench bench;

	bench_open(&bench);
	bench_shell(&bench,
		    SERVICE
		    "for i in 1 2 3; do $SR run --quiet --signer socket -- true; done\n"
		    "for d in runs/sr-*; do $SR report verify --key key.pub --json $d; done | "
		    "jq -e '.trust == \"signed\" and .keyWhere == \"service\"'\n"
		    "test $(wc -l <log) = 3\n"
		    "jq -r .runId log | sort | cmp - <(cd runs; ls -d sr-* | sort)\n"
		    "! $SR signer --key key --socket socket",
		    0, "Address already in use");
	bench_close(&bench);
}

/* The run goes on without its signer, and says at the end that it is not what was asked for. */
Test(signing, a_signer_that_dies_leaves_a_report_and_a_failure)
{
	struct bench bench;

	bench_open(&bench);
	bench_shell(&bench,
		    SERVICE
		    "mkfifo go out; $SR run --quiet --signer socket -- sh -c 'echo up; read x' "
		    "<go >out & run=$!\n"
		    "exec 8>go 9<out; read -u 9 line; kill $signer; wait $signer || :\n"
		    "echo >&8; status=0; wait $run || status=$?\n"
		    "test -e runs/sr-*/artifacts/run_report.json\n"
		    "test ! -e runs/sr-*/artifacts/run_report.sigstore.json\n"
		    "test ! -s runs/chain.ndjson; exit $status",
		    125, "SR-EVD-304 seal.signature");
	bench_close(&bench);
}

/* Entries of a trust directory that are written at once do not get into each other's way. */
Test(signing, keys_trusted_at_once)
{
	struct bench bench;

	bench_open(&bench);
	bench_shell(
		&bench,
		"for i in $(seq 12); do $SR key generate --out $i; done\n"
		"pids=; for i in $(seq 12); do $SR key trust --trust-dir trust $i.pub & pids+=\" "
		"$!\"; "
		"done\n"
		"for pid in $pids; do wait $pid; done\n"
		"test $(ls trust | wc -l) = 12; $SR run --quiet --seal-key 7 -- true\n"
		"$SR report verify --trust-dir trust --require signed runs/sr-*",
		0, "trust=signed");
	bench_close(&bench);
}

/* Signers that answer what no key of theirs can have made. */
static const struct {
	const char *algorithm, *signature, *said;
} frauds[] = {
	{"ed25519", "", "no signature of its key's kind"},
	{"ed25519", "AAAA", "no signature of its key's kind"},
	{"p256", "", "no signature of its key's kind"},
	{"p256", "AAAAAAAAAAAAAAAA", "no signature of its key's kind"},
	{"rsa", "AAAA", "of a kind not known here"},
};

/* One connection: greeting, request, answer. */
static void serve_fraud(int listen_fd, const char *algorithm, const char *signature)
{
	char greeting[256], answer[256], request[32768];
	int fd = accept(listen_fd, NULL, NULL);

	snprintf(greeting, sizeof(greeting),
		 "{\"algorithm\":\"%s\",\"keyid\":\"%064d\",\"schemaVersion\":"
		 "\"safe-run.signer/v1\",\"where\":\"service\"}\n",
		 algorithm, 0);
	snprintf(answer, sizeof(answer), "{\"signature\":\"%s\"}\n", signature);
	if (send(fd, greeting, strlen(greeting), MSG_NOSIGNAL) > 0 &&
	    read(fd, request, sizeof(request)) > 0)
		(void)!send(fd, answer, strlen(answer), MSG_NOSIGNAL);
	_exit(0);
}

Test(signing, a_signer_that_does_not_sign)
{
	struct bench bench;

	bench_open(&bench);
	for (size_t i = 0; i < sizeof(frauds) / sizeof(frauds[0]); i++) {
		struct sockaddr_un address = {.sun_family = AF_UNIX};
		int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
		pid_t pid;

		snprintf(address.sun_path, sizeof(address.sun_path), "%s/fraud", bench.directory);
		cr_assert_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
		cr_assert_eq(listen(fd, 1), 0);
		pid = fork();
		if (pid == 0)
			serve_fraud(fd, frauds[i].algorithm, frauds[i].signature);
		bench_shell(&bench,
			    "status=0; $SR run --quiet --signer fraud -- true || status=$?\n"
			    "test ! -e runs/sr-*/artifacts/run_report.sigstore.json\n"
			    "test ! -s runs/chain.ndjson; rm -r fraud runs; exit $status",
			    125, frauds[i].said);
		waitpid(pid, NULL, 0);
		close(fd);
	}
	bench_close(&bench);
}

/* Does the one run's launcher say so by now? Its name goes into the file "id". */
static bool says(const char *directory, const char *type)
{
	char pattern[4200], text[65536], *id;
	glob_t found = {0};
	FILE *file = NULL;
	size_t len = 0;

	snprintf(pattern, sizeof(pattern), "%s/runs/sr-*/stages/launch.ndjson", directory);
	if (glob(pattern, 0, NULL, &found) == 0)
		file = fopen(found.gl_pathv[0], "r");
	if (file != NULL) {
		len = fread(text, 1, sizeof(text) - 1, file);
		fclose(file);
		id = strstr(found.gl_pathv[0], "/sr-") + 1;
		*strchr(id, '/') = '\0';
		snprintf(pattern, sizeof(pattern), "%s/id", directory);
		file = fopen(pattern, "w");
		cr_assert_not_null(file);
		fputs(id, file);
		fclose(file);
	}
	text[len] = '\0';
	globfree(&found);
	return strstr(text, type) != NULL;
}

/* 0: everything was prepared, and the command did not start. The script is for then. */
static int refuse_late(int listen_fd, const struct bench *bench, const char *script)
{
	static const char refusal[] = "{\"errors\":[{\"code\":\"SR-EVD-304\",\"message\":\"not "
				      "today\",\"path\":\"signer\"}]}\n";
	const struct timespec turn = {.tv_nsec = 2000000};
	const char *directory = bench->directory;
	int fd = accept(listen_fd, NULL, NULL);
	bool waited = true;

	for (int turns = 0; !says(directory, "\"run.prepared\""); turns++) {
		if (turns == 5000)
			return 2;
		nanosleep(&turn, NULL);
	}
	for (int turns = 0; turns < 100 && waited; turns++) {
		waited = !says(directory, "\"vm.started\"");
		nanosleep(&turn, NULL);
	}
	bench_shell(bench, script, 0, NULL);
	return send(fd, refusal, strlen(refusal), MSG_NOSIGNAL) > 0 && waited ? 0 : 1;
}

static void expect_called_off(struct bench *bench, const char *script, const char *said)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int status = -1;
	pid_t pid;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/late", bench->directory);
	cr_assert_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(fd, 1), 0);
	pid = fork();
	if (pid == 0)
		_exit(refuse_late(fd, bench, script));
	bench_shell(bench, "$SR run --quiet --signer late -- true", 125, said);
	bench_shell(bench, "! ls runs/sr-* 2>/dev/null", 0, NULL);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, 0, "the command started before there was a key");
	close(fd);
}

Test(signing, the_command_does_not_start_before_the_signer_has_a_key)
{
	struct bench bench;

	bench_open(&bench);
	expect_called_off(&bench, "true", "not today");
	bench_shell(&bench, "! find /sys/fs/cgroup -name \"*$(cat id)*\" | grep .", 0, NULL);
	bench_close(&bench);
}

/* It is not waited for without end, and what it leaves is not kept quiet. */
Test(signing, a_launcher_that_stands_still_is_told_of, .timeout = 60)
{
	struct bench bench;

	bench_open(&bench);
	/* The launcher is the one whose parent is no launcher: the run's init has its command line,
	   and may have its start time as well. */
	expect_called_off(&bench,
			  "stopped=; for pid in $(pgrep -x sr-launch); do "
			  "tr '\\0' ' ' </proc/$pid/cmdline | grep -q \"$(cat id)\" || continue; "
			  "parent=$(ps -o ppid= -p $pid); "
			  "[ \"$(ps -o comm= -p $parent)\" != sr-launch ] || continue; "
			  "kill -STOP $pid; stopped=1; done; [ \"$stopped\" ]",
			  "did not take its sandbox back");
	bench_shell(&bench,
		    "find /sys/fs/cgroup -depth -type d -name \"*$(cat id)*\" 2>/dev/null | "
		    "while read -r one; do for i in 1 2 3 4 5 6 7 8 9; do rmdir \"$one\" && break; "
		    "sleep 0.1; done; done",
		    0, NULL);
	bench_close(&bench);
}

/* Whoever may ask gets no signature over anything but a statement about a report. */
static const struct {
	const char *what, *packet;
} oracles[] = {
	{"text", "DSSEv1 28 application/vnd.in-toto+json 2 {}"},
	{"no record", "{}"},
	{"an empty record", "{}\n"},
	{"another type", "{\"_type\":\"https://in-toto.io/Statement/v0.1\"}\n"},
	{"another predicate", "{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicateType\":"
			      "\"https://slsa.dev/provenance/v1\"}\n"},
	{"two records", "{}\n{}\n"},
	{"not canonical", "{ }\n"},
};

static void ask(const char *socket_path, const char *what, const char *packet, size_t len)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char answer[4096];
	ssize_t got;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
	cr_assert_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	got = read(fd, answer, sizeof(answer) - 1);
	cr_assert_gt(got, 0);
	cr_assert_eq(send(fd, packet, len, MSG_NOSIGNAL), (ssize_t)len);
	got = read(fd, answer, sizeof(answer) - 1);
	cr_assert_gt(got, 0, "%s", what);
	answer[got] = '\0';
	cr_expect_not_null(strstr(answer, "SR-EVD-304"), "%s: %s", what, answer);
	cr_expect_null(strstr(answer, "\"signature\""), "%s: %s", what, answer);
	close(fd);
}

static pid_t start_signer(const struct bench *bench, char *socket_path, size_t size)
{
	char key[PATH_MAX], *const environment[] = {NULL};
	struct stat found;
	pid_t pid;

	bench_shell(bench, "$SR key generate --out key", 0, NULL);
	snprintf(key, sizeof(key), "%s/key", bench->directory);
	snprintf(socket_path, size, "%s/socket", bench->directory);
	pid = fork();
	if (pid == 0) {
		const char *program = child_path("safe-run");

		dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		execle(program, program, "signer", "--key", key, "--socket", socket_path,
		       (char *)NULL, environment);
		_exit(99);
	}
	while (stat(socket_path, &found) != 0)
		cr_assert_eq(waitpid(pid, NULL, WNOHANG), 0, "the signer ended");
	return pid;
}

Test(signing, the_signer_is_no_oracle)
{
	struct bench bench;
	char socket_path[108];
	char *large = malloc(65536);
	pid_t pid;

	bench_open(&bench);
	pid = start_signer(&bench, socket_path, sizeof(socket_path));
	for (size_t i = 0; i < sizeof(oracles) / sizeof(oracles[0]); i++)
		ask(socket_path, oracles[i].what, oracles[i].packet, strlen(oracles[i].packet));
	memset(large, '1', 65536);
	large[16384] = '\n';
	ask(socket_path, "16 KiB and LF", large, 16385);
	ask(socket_path, "one byte more", large, 16386);
	ask(socket_path, "64 KiB", large, 65536);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	free(large);
	bench_close(&bench);
}
