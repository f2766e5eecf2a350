/* SPDX-License-Identifier: Apache-2.0 */
/* What attack programs said, and what is to be seen of them on the host. */
#include "tests/attacks/run.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *attack_said(const char *out, const char *name)
{
	static char words[8][256];
	static unsigned turn;
	char *word = words[turn++ % 8];
	size_t len = strlen(name);

	word[0] = '\0';
	for (const char *line = out; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, len) == 0 && line[len] == ' ') {
			size_t rest = strcspn(line + len + 1, "\n");

			snprintf(word, sizeof words[0], "%.*s", (int)rest, line + len + 1);
			return word;
		}
	}
	return word;
}

size_t attack_lines(const char *out, const char *prefix)
{
	size_t count = 0, len = strlen(prefix);

	for (const char *line = out; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		count += *line && strncmp(line, prefix, len) == 0;
	}
	return count;
}

const char *attack_program(const char *name)
{
	char relative[128];

	snprintf(relative, sizeof relative, "../tests/attack/%s", name);
	return child_path(relative);
}

void attack_bare(const char *const argv[], struct child_result *result)
{
	const char *bare[16] = {attack_program(argv[0])};

	for (size_t i = 1; argv[i]; i++) {
		cr_assert_lt(i, 15);
		bare[i] = argv[i];
	}
	child_run(bare, NULL, 0, NULL, result);
}

/* Whether one of the arguments of that process is exactly token. */
static bool has_argument(const char *pid, const char *token)
{
	char path[300], text[8192];
	bool found = false;
	ssize_t len;
	int fd;

	snprintf(path, sizeof path, "/proc/%s/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	if (len <= 0)
		return false;
	text[len] = '\0';
	for (const char *word = text; word < text + len; word += strlen(word) + 1)
		found = found || strcmp(word, token) == 0;
	return found;
}

static size_t each_process(const char *token, bool end)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	size_t count = 0;

	cr_assert_not_null(proc);
	while ((entry = readdir(proc))) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    !has_argument(entry->d_name, token))
			continue;
		if (end)
			kill((pid_t)strtol(entry->d_name, NULL, 10), SIGKILL);
		count++;
	}
	closedir(proc);
	return count;
}

size_t attack_processes(const char *token)
{
	return each_process(token, false);
}

void attack_end(const char *token)
{
	each_process(token, true);
}

size_t attack_wait_gone(const char *token, unsigned limit_ms)
{
	long long end = attack_now_ms() + limit_ms;
	size_t left;

	/* Strangers' ends cannot be waited for, only looked at. */
	while ((left = attack_processes(token)) && attack_now_ms() < end)
		poll(NULL, 0, 5);
	return left;
}

long long attack_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool attack_machine_is_ours(void)
{
	const char *ours = getenv("SAFE_RUN_TEST_MACHINE");

	return ours && !strcmp(ours, "1");
}

bool attack_is_root(void)
{
	return geteuid() == 0;
}
