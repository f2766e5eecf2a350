/* SPDX-License-Identifier: Apache-2.0 */
/* signed BIN KEY DIRECTORY: sr-seal over standard input, signed, into an artifacts directory. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void start(const char *bin, const char *name, char *const argv[])
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", bin, name);
	execv(path, argv);
	perror(path);
	_exit(99);
}

int main(int argc, char **argv)
{
	char key[12], peer[12], signer[12], directory[12];
	int ends[2], status = 99;
	int key_fd = argc == 4 ? open(argv[2], O_RDONLY) : -1;
	int directory_fd = argc == 4 ? open(argv[3], O_RDONLY | O_DIRECTORY) : -1;

	if (key_fd < 0 || directory_fd < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0) {
		fprintf(stderr, "usage: signed BIN KEY DIRECTORY <events\n");
		return 2;
	}
	snprintf(key, sizeof(key), "%d", key_fd);
	snprintf(peer, sizeof(peer), "%d", ends[1]);
	snprintf(signer, sizeof(signer), "%d", ends[0]);
	snprintf(directory, sizeof(directory), "%d", directory_fd);
	if (fork() == 0)
		start(argv[1], "sr-signer",
		      (char *[]){"sr-signer", "--key-fd", key, "--peer-fd", peer, NULL});
	close(ends[1]);
	if (fork() == 0)
		start(argv[1], "sr-seal",
		      (char *[]){"sr-seal", "--signer-fd", signer, "--artifacts-fd", directory,
				 NULL});
	close(ends[0]);
	for (int left = 2; left > 0; left--) {
		int one;

		if (wait(&one) < 0 || one != 0)
			return 1;
		status = 0;
	}
	return status;
}
