/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SC10: is the filter on every thread, and still there after each kind of exec? Starts threads that
 * say what the kernel says of them, then executes the files it is given and lets each speak.
 *
 *     confined              this process and its threads
 *     confined then FILE... also each FILE, executed
 */
#include "tell.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 16

struct speaker {
	const char *name;
	pthread_barrier_t *all_alive;
};

/* "NAME seccomp N filters N nnp N uid N unshare ERRNO", of the calling thread. */
static void speak(const char *name)
{
	char status[4096] = "", path[64];
	int seccomp = -1, filters = -1, no_new_privs = -1;

	snprintf(path, sizeof path, "/proc/self/task/%ld/status", syscall(SYS_gettid));
	FILE *file = fopen(path, "re");
	if (file) {
		(void)!fread(status, 1, sizeof status - 1, file);
		fclose(file);
	}
	const char *line = strstr(status, "\nSeccomp:");
	if (line)
		sscanf(line, "\nSeccomp: %d", &seccomp);
	line = strstr(status, "\nSeccomp_filters:");
	if (line)
		sscanf(line, "\nSeccomp_filters: %d", &filters);
	line = strstr(status, "\nNoNewPrivs:");
	if (line)
		sscanf(line, "\nNoNewPrivs: %d", &no_new_privs);
	const char *refused = unshare(CLONE_NEWUTS) ? strerrorname_np(errno) : "ok";
	printf("%s seccomp %d filters %d nnp %d euid %d unshare %s\n", name, seccomp, filters,
	       no_new_privs, (int)geteuid(), refused);
	fflush(stdout);
}

static void *thread_main(void *argument)
{
	const struct speaker *speaker = argument;

	/* All at once, so that no thread ends before the last one was made. */
	pthread_barrier_wait(speaker->all_alive);
	speak(speaker->name);
	return NULL;
}

static void speak_in_threads(void)
{
	pthread_t threads[THREADS];
	pthread_barrier_t all_alive;
	struct speaker speaker = {"thread", &all_alive};

	pthread_barrier_init(&all_alive, NULL, THREADS);
	for (size_t i = 0; i < THREADS; i++) {
		if (pthread_create(&threads[i], NULL, thread_main, &speaker))
			abort();
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void speak_after_exec(const char *file)
{
	char *argv[] = {(char *)file, (char *)"executed", NULL};
	pid_t pid = fork();

	if (pid == 0) {
		execv(file, argv);
		tell(file, -1);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "executed")) {
		speak(argv[0]);
		return 0;
	}
	speak("main");
	speak_in_threads();
	for (int i = 2; i < argc; i++)
		speak_after_exec(argv[i]);
	return 0;
}
