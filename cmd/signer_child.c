/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/signer_child.h"

#include "cmd/verb.h"
#include "stages/ed25519/signer.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static const char name[] = "sr-ed25519";

static void erase(char **words)
{
	for (; *words != NULL; words++)
		explicit_bzero(*words, strlen(*words));
}

/* Its own process group: a Ctrl-C ends the command, not the signing of how it ended. */
_Noreturn static void become_signer(int key_fd, int peer_fd, pid_t parent_pid, char **words)
{
	char key[sizeof("2147483647")], peer[sizeof(key)], parent[sizeof(key)];
	char *argv[] = {(char *)name, (char *)"--key-fd",     key,    (char *)"--peer-fd",
			peer,	      (char *)"--parent-pid", parent, NULL};

	erase(words);
	erase(environ);
	snprintf(key, sizeof(key), "%d", key_fd);
	snprintf(peer, sizeof(peer), "%d", peer_fd);
	snprintf(parent, sizeof(parent), "%d", (int)parent_pid);
	if (prctl(PR_SET_NAME, name, 0, 0, 0) != 0 || setpgid(0, 0) != 0 ||
	    dup2(peer_fd, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		_exit(VERB_FAILED);
	_exit(ed25519_signer(sizeof(argv) / sizeof(argv[0]) - 1, argv));
}

enum fault_code signer_child_start(struct process *process, int key_fd, int peer_fd, char **words,
				   struct fault *fault)
{
	pid_t parent_pid = getpid();
	sigset_t all, before;
	pid_t pid;

	/* As in spawn.c: the child unblocks them once it has settled what they do. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		become_signer(key_fd, peer_fd, parent_pid, words);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid < 0)
		return fault_set_errno(fault, FAULT_RUN_INIT, errno, name, "cannot start %s", name);
	return process_adopt(process, pid, name, fault);
}
