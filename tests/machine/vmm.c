/* SPDX-License-Identifier: Apache-2.0 */
/* VM2: what a VMM that was taken over from inside would have in its hands. Looked at while it runs. */
#include "tests/machine/machine.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <glob.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The process id of vm.started, out of the launcher's own record of a run that goes on. */
static pid_t find_vmm(const char *base)
{
	char pattern[4096], *text, *at;
	size_t len;
	glob_t found;
	long pid;

	snprintf(pattern, sizeof pattern, "%s/*/stages/launch.ndjson", base);
	cr_assert_eq(glob(pattern, 0, NULL, &found), 0, "%s", pattern);
	text = child_read_file(found.gl_pathv[0], &len);
	cr_assert_not_null(text);
	at = strstr(text, "\"type\":\"vm.started\"");
	cr_assert_not_null(at);
	while (at > text && at[-1] != '\n')
		at--;
	at = strstr(at, "\"pid\":");
	cr_assert_not_null(at);
	pid = strtol(at + strlen("\"pid\":"), NULL, 10);
	free(text);
	globfree(&found);
	return (pid_t)pid;
}

/* Pipes to the launcher, sockets to sr-guest, the images and what a loop of events is made of. */
static bool is_its_own(const char *target)
{
	static const char *const kinds[] = {"pipe:[",	"socket:[",	"anon_inode:", "/dev/null",
					    "/run/vm/", "/dev/urandom", "/dev/kvm"};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strncmp(target, kinds[i], strlen(kinds[i])) == 0)
			return true;
	return false;
}

static void look_at_descriptors(pid_t pid)
{
	char path[64], link[512], target[512];
	struct dirent *entry;
	int seen = 0;
	DIR *dir;

	snprintf(path, sizeof path, "/proc/%d/fd", pid);
	dir = opendir(path);
	cr_assert_not_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		ssize_t len;

		snprintf(link, sizeof link, "%s/%.32s", path, entry->d_name);
		len = readlink(link, target, sizeof target - 1);
		if (len < 0)
			continue;
		target[len] = '\0';
		cr_expect(is_its_own(target), "%s -> %s", link, target);
		seen++;
	}
	closedir(dir);
	cr_expect_gt(seen, 8);
}

static char *proc(pid_t pid, const char *name)
{
	char path[64];
	size_t len;
	char *text;

	snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
	text = child_read_file(path, &len);
	cr_assert_not_null(text, "%s", path);
	return text;
}

static void look_at_status(pid_t pid)
{
	char *status = proc(pid, "status"), *devices = proc(pid, "net/dev"), *line;
	char *environment = proc(pid, "environ");

	cr_expect_not_null(strstr(status, "\nCapPrm:\t0000000000000000\n"));
	cr_expect_not_null(strstr(status, "\nCapEff:\t0000000000000000\n"));
	cr_expect_not_null(strstr(status, "\nCapBnd:\t0000000000000000\n"));
	cr_expect_not_null(strstr(status, "\nNoNewPrivs:\t1\n"));
	cr_expect_not_null(strstr(status, "\nSeccomp:\t2\n"));
	line = strstr(status, "\nUid:\t");
	cr_expect(geteuid() != 0 || strtol(line + 6, NULL, 10) != 0, "%s", line);
	/* Nothing but the loopback of its own. */
	line = strchr(strchr(devices, '\n') + 1, '\n') + 1;
	cr_expect_eq(strncmp(line + strspn(line, " "), "lo:", 3), 0, "%s", devices);
	cr_expect_null(strchr(strchr(line, '\n') + 1, ':'), "%s", devices);
	cr_expect_str_eq(environment, "");
	free(status);
	free(devices);
	free(environment);
}

/* Its root: nothing it could write but what ends with it, and nothing of the host's but programs. */
static void look_at_mounts(pid_t pid)
{
	static const char *const places[] = {
		"/",	"/dev",	 "/proc", "/tmp",   "/usr",   "/etc/ld.so.cache", "/run/vm",
		"/bin", "/sbin", "/lib",  "/lib32", "/lib64", "/libx32"};
	char *mounts = proc(pid, "mountinfo"), *rest = mounts, *line;

	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
		char place[512], options[512];
		bool known = false;

		cr_assert_eq(sscanf(line, "%*s %*s %*s %*s %511s %511s", place, options), 2);
		for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
			size_t len = strlen(places[i]);

			known |= strncmp(place, places[i], len) == 0 &&
				 (place[len] == '\0' || (len > 1 && place[len] == '/'));
		}
		cr_expect(known, "%s", line);
		cr_expect_not_null(strstr(options, "nosuid"), "%s", line);
		cr_expect(strncmp(options, "ro,", 3) == 0 || strstr(line, " - tmpfs ") != NULL ||
				  strstr(line, " - devpts ") != NULL,
			  "%s", line);
	}
	free(mounts);
}

Test(machine_vmm, VM2_what_it_holds)
{
	char dir[4096], byte;
	struct run run = {.base = child_make_dir("machine-vmm")};
	const char **argv;
	int out[2], status;
	pid_t pid, vmm;

	snprintf(dir, sizeof dir, "%s/good", child_helper("artifacts"));
	argv = run_argv(run.base,
			WORDS("--isolation", "microvm", "--memory", "128Mi", "--artifacts", dir),
			WORDS("sh", "-c", "echo x; sleep 2"));
	cr_assert_eq(pipe2(out, 0), 0);
	pid = fork();
	if (pid == 0) {
		(void)dup2(out[1], STDOUT_FILENO);
		execv(argv[0], (char *const *)argv);
		_exit(99);
	}
	close(out[1]);
	cr_assert_eq(read(out[0], &byte, 1), 1);
	vmm = find_vmm(run.base);
	look_at_descriptors(vmm);
	look_at_status(vmm);
	look_at_mounts(vmm);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	close(out[0]);
	run_collect(&run);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%x", status);
	run_release(&run);
}
