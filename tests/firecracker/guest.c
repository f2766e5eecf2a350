/* SPDX-License-Identifier: Apache-2.0 */
/* What sr-init says and does, by itself and without a machine (man/sr-init.1). */
#include "tests/firecracker/firecracker.h"

#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PORT_BASE    5001
#define LINE_MAX_LEN 65536

enum { CONTROL, STDIN, STDOUT, STDERR, OUTPUTS, STREAM_COUNT };

/* As Firecracker connects a guest's vsock to the host's listener; -1 when nobody listens there. */
static int connect_port(const struct standin *standin, int stream)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s_%d", standin->uds_path,
		 PORT_BASE + stream);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void say(int fd, const char *line)
{
	size_t len = strlen(line);

	while (len > 0) {
		ssize_t sent = write(fd, line, len);

		if (sent <= 0)
			standin_die("the host does not read");
		line += sent;
		len -= (size_t)sent;
	}
}

/* One line, without its end; the host ends lines and nothing else. */
static char *hear(int fd)
{
	char *line = calloc(1, LINE_MAX_LEN);
	size_t len = 0;

	while (len < LINE_MAX_LEN - 1 && read(fd, line + len, 1) == 1) {
		if (line[len] == '\n') {
			line[len] = '\0';
			return line;
		}
		len++;
	}
	free(line);
	return NULL;
}

static const char *word(struct json_object *argv, size_t index)
{
	const char *text = json_object_get_string(json_object_array_get_idx(argv, index));
	const char *slash = text != NULL ? strrchr(text, '/') : NULL;

	return slash != NULL ? slash + 1 : text != NULL ? text : "";
}

static size_t run_cat(int in, int out)
{
	char block[4096];
	size_t total = 0;
	ssize_t len;

	while ((len = read(in, block, sizeof block)) > 0) {
		if (write(out, block, (size_t)len) != len)
			standin_die("the host does not take the output");
		total += (size_t)len;
	}
	return total;
}

/* The status it ends with; *written is what went to the host. */
static int run_command(const struct standin *standin, struct json_object *argv,
		       const int fds[STREAM_COUNT], size_t *written)
{
	const char *name = word(argv, 0);
	char line[2048];

	*written = 0;
	if (strcmp(name, "true") == 0)
		return 0;
	if (strcmp(name, "false") == 0)
		return 1;
	if (strcmp(name, "cat") == 0) {
		*written = run_cat(fds[STDIN], fds[STDOUT]);
		return 0;
	}
	if (strcmp(name, "hang") == 0) {
		say(fds[STDOUT], "up\n");
		for (;;)
			pause();
	}
	if (strcmp(name, "frames") == 0)
		standin_send_frames(standin, line, sizeof line);
	else if (strcmp(name, "echo") == 0)
		snprintf(line, sizeof line, "%s\n", word(argv, 1));
	else
		standin_die("a stand-in has no %s", name);
	say(fds[STDOUT], line);
	*written = strlen(line);
	return strcmp(name, "echo") == 0 ? 7 : 0;
}

static struct json_object *take_job(const struct standin *standin, int control)
{
	char *line = hear(control);
	struct json_object *job = line != NULL ? json_tokener_parse(line) : NULL;
	const char *seed;

	(void)standin;
	if (job == NULL)
		standin_die("the host sent no job");
	seed = json_object_get_string(standin_member(job, "seed"));
	if (strlen(seed) != 64)
		standin_die("the seed is '%s'", seed);
	printf("seed %.8s\n", seed);
	free(line);
	return job;
}

/* As sr-init looks for its host, and begins again when it was cut off (stages/init/ports.c). */
static void connect_all(struct standin *standin, int fds[STREAM_COUNT])
{
	int missing = STREAM_COUNT;

	for (int i = 0; i < STREAM_COUNT; i++)
		fds[i] = -1;
	for (int turn = 0; missing > 0 || standin->paused; turn++) {
		if (turn == 2000)
			standin_die("the host's streams did not appear");
		standin_serve(standin, 5);
		if (standin->reset)
			for (int i = 0; i < STREAM_COUNT; i++) {
				close(fds[i]);
				fds[i] = -1;
			}
		standin->reset = false;
		missing = 0;
		for (int i = 0; i < STREAM_COUNT && !standin->paused; i++) {
			if (fds[i] < 0)
				fds[i] = connect_port(standin, i);
			missing += fds[i] < 0;
		}
	}
}

void standin_play(struct standin *standin)
{
	struct json_object *job;
	int fds[STREAM_COUNT], status;
	char line[512];
	size_t written;

	connect_all(standin, fds);
	printf("patched %u\n", standin->patched);
	say(fds[CONTROL], "{\"bootMs\":5,\"release\":\"standin\",\"type\":\"hello\","
			  "\"version\":\"#1\"}\n");
	job = take_job(standin, fds[CONTROL]);
	say(fds[CONTROL], "{\"initMs\":6,\"type\":\"started\"}\n");
	if (standin_is("dies-late"))
		standin_die("told to die");
	while (standin_is("hangs"))
		pause();
	status = run_command(standin, standin_member(job, "argv"), fds, &written);
	snprintf(line, sizeof line,
		 "{\"exit\":{\"coreDumped\":false,\"exitCode\":%d,\"signalNumber\":null},"
		 "\"oomKills\":0,\"pidsMaxHits\":0,\"rusage\":{\"maxRssBytes\":4096,"
		 "\"systemUs\":1,\"userUs\":1},\"stderrBytes\":0,\"stdoutBytes\":%zu,"
		 "\"type\":\"exited\"}\n",
		 status, written);
	say(fds[CONTROL], line);
	say(fds[CONTROL], "{\"entries\":0,\"type\":\"done\"}\n");
	for (char *told; (told = hear(fds[CONTROL])) != NULL; free(told))
		if (strcmp(told, "{\"received\":true}") == 0)
			break;
	printf("reboot: Restarting system\n");
}
