/* SPDX-License-Identifier: Apache-2.0 */
/* sr-launch itself, on bundles made by hand: what a run leaves in its event stream. */
#include "tests/stage/launch_bundle.h"
#include "tests/stage/launch_run.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORDS(...)                                                                                 \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}
#define STARTED "compile run.prepared vm.started resource.sampled resource.sampled vm.exited"

static void sh(struct launch_run *run, const char *script)
{
	launch_run_policy(run, launch_policy(WORDS("/bin/sh", "-c", script)), NULL, NULL);
}

TestSuite(stage_launch, .init = launch_need_sandbox, .timeout = 120);

Test(stage_launch, leaves_a_whole_stream)
{
	struct launch_run run;

	launch_run_policy(&run, launch_policy(WORDS("/bin/true")),
			  WORDS("--challenge", "a\"b\n\x01", "--run-id", "unit-launch-whole"),
			  NULL);
	cr_expect_eq(run.result.status, 0, "%s", run.result.err);
	launch_expect_types(&run.events, STARTED " run.cleaned");
	cr_expect_str_eq(json_object_get_string(launch_get(run.events.items[0], "runId")),
			 "unit-launch-whole");
	cr_expect_str_eq(launch_text(&run.events, "compile", "challenge"), "a\"b\n\x01");
	cr_expect_eq(strlen(launch_text(&run.events, "compile", "nonce")), 32);
	cr_expect_str_eq(launch_text(&run.events, "compile", "mode"),
			 geteuid() == 0 ? "root" : "rootless");
	cr_expect_str_eq(launch_text(&run.events, "compile", "policySummary.command"), "/bin/true");
	for (const char *const *name =
		     WORDS("commandHash", "kernelHash", "policyHash", "rootfsHash");
	     *name != NULL; name++) {
		char path[64];

		(void)snprintf(path, sizeof path, "artifacts.%s", *name);
		cr_expect_eq(strncmp(launch_text(&run.events, "compile", path), "sha256:", 7), 0);
	}
	cr_expect_str_eq(launch_text(&run.events, "vm.exited", "exitCode"), "0");
	cr_expect_str_eq(launch_text(&run.events, "run.prepared", "executable.sha256"),
			 launch_text(&run.events, "vm.started", "executable.hash"));
	cr_expect_str_eq(launch_text(&run.events, "run.prepared", "executable.sha256"),
			 launch_text(&run.events, "vm.started", "executable.sha256"));
	launch_run_release(&run);
}

Test(stage_launch, tells_how_it_ended)
{
	static const struct {
		const char *script, *exit_code, *signal;
	} cases[] = {
		{"exit 0", "0", ""},
		{"exit 3", "3", ""},
		{"exit 255", "255", ""},
		{"kill -SEGV $$", "", "SIGSEGV"},
		{"kill -KILL $$", "", "SIGKILL"},
		{"kill -TERM $$; sleep 60", "", "SIGTERM"},
		/* Those left behind end with it. */
		{"sleep 1000 & (setsid sleep 1000 &) ; exit 4", "4", ""},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct launch_run run;

		sh(&run, cases[i].script);
		cr_expect_eq(run.result.status, 0, "%s", cases[i].script);
		launch_expect_types(&run.events, STARTED " run.cleaned");
		cr_expect_str_eq(launch_text(&run.events, "vm.exited", "exitCode"),
				 cases[i].exit_code, "%s", cases[i].script);
		cr_expect_str_eq(launch_text(&run.events, "vm.exited", "signal"), cases[i].signal,
				 "%s", cases[i].script);
		cr_expect_str_eq(launch_text(&run.events, "vm.exited", "deadline"), "false");
		launch_run_release(&run);
	}
}

Test(stage_launch, tells_why_it_could_not_execute)
{
	static const struct {
		const char *command, *error;
	} cases[] = {
		{"/no/such/command", "ENOENT"}, {"no-such-command", "ENOENT"},
		{"/usr/bin/true/x", "ENOTDIR"}, {"/usr", "EACCES"},
		{"/etc/passwd", "EACCES"},	{"/dev/null", "EACCES"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct launch_run run;

		launch_run_policy(&run, launch_policy(WORDS(cases[i].command)), NULL, NULL);
		launch_expect_refused(&run, "SR-RUN-002", "launch.exec");
		cr_expect_str_eq(launch_text(&run.events, "run.failed", "execErrno"),
				 cases[i].error, "%s", cases[i].command);
		launch_run_release(&run);
	}
}

Test(stage_launch, closes_the_stream_of_what_is_no_bundle)
{
	static const char *const inputs[] = {
		"", "\n", "{}\n", "{\"a\":1}", "null\n", "[]\n", "\xff\n", "{ }\n", "x\n",
	};

	for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
		struct launch_run run;

		launch_run_text(&run, inputs[i], strlen(inputs[i]), NULL);
		cr_expect_eq(run.result.status, 1, "%s", inputs[i]);
		launch_expect_types(&run.events, "compile run.failed");
		cr_expect_str_eq(launch_text(&run.events, "compile", "artifacts.policyHash"), "");
		cr_expect_str_eq(launch_text(&run.events, "run.failed", "errors[0].code"),
				 "SR-RUN-002");
		launch_run_release(&run);
	}
}

Test(stage_launch, takes_one_bundle_only)
{
	struct json_object *policy = launch_policy(WORDS("/bin/true"));
	struct json_object *bundle = launch_bundle(policy);
	struct launch_run run;
	size_t len;
	char *line = launch_line(bundle, &len);
	char *twice = malloc(2 * len);

	memcpy(twice, line, len);
	memcpy(twice + len, line, len);
	launch_run_text(&run, twice, 2 * len, NULL);
	launch_expect_refused(&run, "SR-RUN-002", "launch.bundle");
	launch_run_release(&run);
	launch_run_text(&run, line, len - 1, NULL);
	cr_expect_eq(run.result.status, 1);
	launch_expect_types(&run.events, "compile run.failed");
	launch_run_release(&run);
	json_object_put(bundle);
	json_object_put(policy);
	free(twice);
	free(line);
}

/* Every clause says that it is enforced, and what the kernel said. */
Test(stage_launch, proves_what_it_enforces)
{
	static const char *const clauses[] = {
		"default.identity",	 "default.noNewPrivs", "default.capabilities",
		"runtime.seccomp",	 "default.namespaces", "network.mode",
		"default.root",		 "default.landlock",   "default.limits.core",
		"default.limits.nofile", "resources.disk.max", "resources.memory.max",
		"resources.cpu.max",	 "resources.pids.max", "runtime.timeoutSec",
		"probe.readShadow",	 "probe.connect",      "probe.userNamespace",
		"probe.writeUsr",
	};
	struct json_object *list;
	struct launch_run run;

	sh(&run, "exit 0");
	list = launch_get(launch_event(&run.events, "run.prepared"), "payload.enforcement");
	cr_assert_not_null(list);
	for (size_t i = 0; i < sizeof clauses / sizeof *clauses; i++) {
		bool found = false;

		for (size_t j = 0; j < json_object_array_length(list); j++) {
			struct json_object *entry = json_object_array_get_idx(list, j);

			if (strcmp(json_object_get_string(launch_get(entry, "clause")),
				   clauses[i]) != 0)
				continue;
			found = true;
			cr_expect(json_object_get_boolean(launch_get(entry, "enforced")), "%s",
				  clauses[i]);
			cr_expect_not_null(launch_get(entry, "evidence"));
		}
		cr_expect(found, "%s", clauses[i]);
	}
	launch_run_release(&run);
}

/* Each line of the script must print nothing but what stands beside it. */
Test(stage_launch, shows_only_the_sandbox)
{
	static const struct {
		const char *script, *output;
	} cases[] = {
		{"ls /", "bin\ndev\netc\nlib\nlib32\nlib64\nlibx32\nproc\nsbin\ntmp\nusr\nwork\n"},
		{"ls /dev", "fd\nfull\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\n"
			    "urandom\nzero\n"},
		{"for fd in /proc/self/fd/*; do [ ${fd##*/} -gt 2 ] && [ -e $fd ] && readlink $fd; "
		 "done; true",
		 ""},
		{"cat /proc/1/status /proc/meminfo /proc/sys/kernel/hostname 2>/dev/null", ""},
		{"for pid in /proc/[0-9]*; do [ ${pid##*/} = $$ ] || echo $pid; done", ""},
		{"pwd; hostname 2>/dev/null || cat /etc/hostname; echo $HOME",
		 "/work\nsafe-run\n/work\n"},
		{"touch /a /usr/a /etc/a /dev/a /proc/a 2>/dev/null; echo $?", "1\n"},
		{"echo x > /work/a && echo y > /tmp/a && echo z > /dev/shm/a && cat /work/a /tmp/a "
		 "/dev/shm/a",
		 "x\ny\nz\n"},
		{"echo x > /dev/null; head -c 2 /dev/zero | od -An -tx1", " 00 00\n"},
		{"cp /bin/true /dev/shm/t; /dev/shm/t 2>/dev/null; echo $?", "126\n"},
		{"cp /bin/true /tmp/t; /tmp/t; echo $?", "0\n"},
		{"id -un; id -G | wc -w", "safe-run\n1\n"},
		{"ls /sys /root /home /var 2>/dev/null", ""},
		{"cat /proc/self/net/dev /proc/net/dev 2>/dev/null | grep -c eth", "0\n"},
		{"grep -c . /proc/self/cgroup >/dev/null; grep -v ':/$' /proc/self/cgroup", ""},
		{"ulimit -n; ulimit -Hn; ulimit -c", "4096\n4096\n0\n"},
		{"umask; grep SigBlk /proc/self/status; grep SigIgn /proc/self/status",
		 "0022\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct launch_run run;

		sh(&run, cases[i].script);
		if (i == 0)
			/* lib32 and libx32 are there on some hosts. */
			cr_expect(strstr(run.result.err, "dev\netc\n") != NULL &&
					  strstr(run.result.err, "home") == NULL &&
					  strstr(run.result.err, "sys") == NULL,
				  "%s", run.result.err);
		else if (geteuid() == 0 || strncmp(cases[i].script, "id -un", 6) != 0)
			cr_expect_str_eq(run.result.err, cases[i].output, "%s: %s", cases[i].script,
					 run.result.err);
		launch_run_release(&run);
	}
}

static void write_program(const char *dir, const char *name, const char *text)
{
	char path[4200];

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	child_write_file(path, text, strlen(text));
	cr_assert_eq(chmod(path, 0755), 0);
}

static struct json_object *with_mount(struct json_object *policy, const char *source)
{
	char text[4300];

	(void)snprintf(
		text, sizeof text,
		"[{\"noexec\":false,\"read_only\":true,\"source\":\"%s\",\"target\":\"/opt/in\"}]",
		source);
	launch_set(policy, "mounts", text);
	return policy;
}

/* init has the workload's own uid: only the Landlock domain is between them. */
Test(stage_launch, cannot_signal_what_is_outside_its_domain)
{
	struct json_object *list;
	struct launch_run run;
	int scoped = 0;

	sh(&run, "kill -0 1 2>/dev/null; echo $?; kill -0 $$; echo $?");
	list = launch_get(launch_event(&run.events, "run.prepared"), "payload.enforcement");
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *entry = json_object_array_get_idx(list, i);

		if (strcmp(json_object_get_string(launch_get(entry, "clause")),
			   "default.landlock") == 0)
			scoped = json_object_get_int(launch_get(entry, "evidence.scoped"));
	}
	/* Linux 6.12 and later. */
	cr_expect_str_eq(run.result.err, scoped & 2 ? "1\n0\n" : "0\n0\n");
	launch_run_release(&run);
}

/* /tmp, /dev/shm and the work directory draw on one budget. */
Test(stage_launch, has_one_disk_budget)
{
	struct launch_run run;

	sh(&run, "head -c 600k /dev/zero > /tmp/a && echo one; "
		 "head -c 600k /dev/zero > /work/a 2>/dev/null || echo full; rm /tmp/a /work/a; "
		 "head -c 600k /dev/zero > /dev/shm/a && echo two");
	cr_expect_str_eq(run.result.err, "one\nfull\ntwo\n", "%s", run.result.err);
	launch_run_release(&run);
}

Test(stage_launch, kills_at_the_deadline)
{
	struct json_object *policy = launch_policy(
		WORDS("/bin/sh", "-c", "trap '' TERM INT HUP; (setsid sleep 1000 &); sleep 1000"));
	struct launch_run run;

	launch_set(policy, "runtime.timeoutSec", "1");
	launch_run_policy(&run, policy, NULL, NULL);
	cr_expect_eq(run.result.status, 0);
	launch_expect_types(&run.events, STARTED " run.cleaned");
	cr_expect_str_eq(launch_text(&run.events, "vm.exited", "deadline"), "true");
	cr_expect_str_eq(launch_text(&run.events, "vm.exited", "signal"), "SIGKILL");
	cr_expect_geq(strlen(launch_text(&run.events, "vm.exited", "wallNs")), 10);
	launch_run_release(&run);
}

Test(stage_launch, strict_runs_one_program_once)
{
	struct json_object *policy = launch_policy(WORDS("/bin/cat", "/etc/hostname"));
	struct launch_run run;

	launch_set(policy, "runtime.seccomp", "\"strict\"");
	launch_run_policy(&run, policy, NULL, NULL);
	cr_expect_str_eq(run.result.err, "safe-run\n");
	cr_expect_str_eq(launch_text(&run.events, "vm.exited", "exitCode"), "0");
	launch_run_release(&run);
	policy = launch_policy(WORDS("/bin/sh", "-c", "exec /bin/true"));
	launch_set(policy, "runtime.seccomp", "\"strict\"");
	launch_run_policy(&run, policy, NULL, NULL);
	cr_expect_str_eq(launch_text(&run.events, "vm.exited", "exitCode"), "126");
	launch_run_release(&run);
}

/* A script outside the system is executed through the descriptor that was hashed. */
Test(stage_launch, hashes_scripts_and_their_interpreters)
{
	char *dir = child_make_dir("launch");
	struct launch_run run;

	cr_assert_eq(chmod(dir, 0755), 0);
	write_program(dir, "show", "#!/bin/sh -u\necho $0 $#\n");
	write_program(dir, "nested", "#!/opt/in/show\n");
	write_program(dir, "lost", "#!/no/such/interpreter\n");
	write_program(dir, "empty", "#!\n");
	write_program(dir, "text", "neither\n");
	launch_run_policy(&run, with_mount(launch_policy(WORDS("/opt/in/show", "a", "b")), dir),
			  NULL, NULL);
	cr_expect_str_eq(run.result.err, "/dev/fd/3 2\n");
	cr_expect_str_eq(launch_text(&run.events, "run.prepared", "executable.path"),
			 "/opt/in/show");
	cr_expect_eq(
		strncmp(launch_text(&run.events, "run.prepared", "executable.interpreter.sha256"),
			"sha256:", 7),
		0);
	launch_run_release(&run);
	for (const char *const *name = WORDS("nested", "lost", "empty", "text"); *name != NULL;
	     name++) {
		char command[64];

		(void)snprintf(command, sizeof command, "/opt/in/%s", *name);
		launch_run_policy(&run, with_mount(launch_policy(WORDS(command)), dir), NULL, NULL);
		launch_expect_refused(&run, "SR-RUN-002", "launch.exec");
		cr_expect_str_eq(launch_text(&run.events, "run.failed", "execErrno"),
				 strcmp(*name, "lost") == 0 ? "ENOENT" : "ENOEXEC", "%s", *name);
		launch_run_release(&run);
	}
	child_remove_dir(dir);
	free(dir);
}

Test(stage_launch, mounts_what_was_validated)
{
	char *dir = child_make_dir("launch"), source[4200], other[4200];
	struct json_object *policy, *bundle;
	struct launch_run run;
	size_t len;
	char *line;

	cr_assert_eq(chmod(dir, 0755), 0);
	(void)snprintf(source, sizeof source, "%s/source", dir);
	(void)snprintf(other, sizeof other, "%s/other", dir);
	cr_assert(mkdir(source, 0755) == 0 && mkdir(other, 0755) == 0);
	write_program(source, "file", "inside\n");
	policy = with_mount(
		launch_policy(WORDS("/bin/sh", "-c",
				    "cat /opt/in/file; touch /opt/in/x 2>/dev/null; echo $?")),
		source);
	launch_run_policy(&run, json_object_get(policy), NULL, NULL);
	cr_expect_str_eq(run.result.err, "inside\n1\n");
	launch_expect_types(&run.events, "compile mount.validated mount.applied run.prepared "
					 "vm.started resource.sampled resource.sampled vm.exited "
					 "run.cleaned");
	launch_run_release(&run);

	/* Swapped for another directory, then for a link to it, behind the validation's back. */
	bundle = launch_bundle(policy);
	line = launch_line(bundle, &len);
	child_remove_dir(source);
	cr_assert_eq(rename(other, source), 0);
	launch_run_text(&run, line, len, NULL);
	launch_expect_refused(&run, "SR-RUN-101", "launch.mount[0]");
	launch_expect_types(&run.events, "compile mount.rejected run.failed");
	launch_run_release(&run);
	cr_assert(rename(source, other) == 0 && symlink(other, source) == 0);
	launch_run_text(&run, line, len, NULL);
	launch_expect_refused(&run, "SR-RUN-101", "launch.mount[0]");
	cr_expect_str_neq(launch_text(&run.events, "mount.rejected", "reason"), "");
	launch_run_release(&run);
	json_object_put(bundle);
	json_object_put(policy);
	child_remove_dir(dir);
	free(line);
	free(dir);
}

/* Nothing is made on the host for a mount's target. */
Test(stage_launch, makes_no_target_inside_a_mount)
{
	char *dir = child_make_dir("launch"), text[9000], path[4200];
	struct json_object *policy = launch_policy(WORDS("/bin/true"));
	struct launch_run run;

	(void)snprintf(
		text, sizeof text,
		"[{\"noexec\":false,\"read_only\":true,\"source\":\"%s\",\"target\":\"/opt/in\"},"
		"{\"noexec\":false,\"read_only\":true,\"source\":\"%s\",\"target\":\"/opt/in/"
		"made\"}]",
		dir, dir);
	launch_set(policy, "mounts", text);
	launch_run_policy(&run, policy, NULL, NULL);
	launch_expect_refused(&run, "SR-RUN-101", "launch.mount[1]");
	(void)snprintf(path, sizeof path, "%s/made", dir);
	cr_expect_neq(access(path, F_OK), 0);
	launch_run_release(&run);
	child_remove_dir(dir);
	free(dir);
}

Test(stage_launch, knows_its_options)
{
	static const char *const cases[][5] = {
		{"--run-id", "../x", NULL}, {"--run-id", "", NULL},	{"--tty", NULL},
		{"--pty-fd", "0", NULL},    {"--stdin-fd", "77", NULL}, {"--nothing", NULL},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct launch_run run;

		launch_run_text(&run, "", 0, cases[i]);
		cr_expect_eq(run.result.status, 2, "%s", cases[i][0]);
		cr_expect_eq(run.events.count, 0);
		launch_run_release(&run);
	}
}
