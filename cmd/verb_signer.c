/* SPDX-License-Identifier: Apache-2.0 */
/* safe-run signer: a socket of our making, and sr-signer behind it in this process's place. */
#include "cmd/key_file.h"
#include "cmd/option.h"
#include "cmd/passphrase.h"
#include "cmd/spawn.h"
#include "cmd/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SYNOPSIS "--key FILE --socket PATH [--allow-uid N]... [--passphrase-fd N|prompt]"
#define UIDS_MAX 64
#define BACKLOG	 128
#define EARLY	 ".new" /* until it listens */

enum signer_option { SIGNER_KEY, SIGNER_SOCKET, SIGNER_ALLOW, SIGNER_PASSPHRASE, SIGNER_COUNT };

static const struct option table[SIGNER_COUNT] = {
	[SIGNER_KEY] = {"key", "FILE", "the private key"},
	[SIGNER_SOCKET] = {"socket", "PATH", "where runs ask: run --signer PATH"},
	[SIGNER_ALLOW] = {"allow-uid", "N", "who may ask; may be repeated; none: only you"},
	[SIGNER_PASSPHRASE] = {"passphrase-fd", "N|prompt",
			       "the key's passphrase: a line from descriptor N, or asked for"},
};

struct signer_args {
	const char *values[SIGNER_COUNT];
	const char *uids[UIDS_MAX];
	size_t uid_count;
};

/* A socket that nobody answers any more is an earlier signer's; one that is answered is not ours.
 */
static bool stale(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	bool refused = fd >= 0 &&
		       connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 &&
		       errno == ECONNREFUSED;

	if (fd >= 0)
		close(fd);
	return refused;
}

static enum fault_code address_of(const char *path, const char *suffix, struct sockaddr_un *address,
				  struct fault *fault)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if ((size_t)snprintf(address->sun_path, sizeof(address->sun_path), "%s%s", path, suffix) <
	    sizeof(address->sun_path))
		return FAULT_NONE;
	return fault_set(fault, FAULT_REPORT_SIGNATURE, "signer",
			 "the socket's path is longer than %zu bytes",
			 sizeof(address->sun_path) - sizeof(EARLY));
}

/* Under its own name a socket is one that listens: it gets there when it does. */
static bool take_name(const struct sockaddr_un *early, const struct sockaddr_un *address)
{
	if (renameat2(AT_FDCWD, early->sun_path, AT_FDCWD, address->sun_path, RENAME_NOREPLACE) ==
	    0)
		return true;
	return errno == EEXIST && stale(address) && rename(early->sun_path, address->sun_path) == 0;
}

/*
 * Connecting takes the right to write to the socket, so with others allowed it is everybody's; who
 * may ask is what sr-signer hears from the kernel.
 */
static enum fault_code listen_at(const struct signer_args *args, int *fd, struct fault *fault)
{
	const char *path = args->values[SIGNER_SOCKET];
	struct sockaddr_un early, address;
	int error;

	if (address_of(path, EARLY, &early, fault) != FAULT_NONE ||
	    address_of(path, "", &address, fault) != FAULT_NONE)
		return fault->code;
	(void)unlink(early.sun_path); /* of one that was killed between two of these steps */
	*fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd >= 0 && bind(*fd, (const struct sockaddr *)&early, sizeof(early)) == 0 &&
	    (args->uid_count == 0 || chmod(early.sun_path, 0666) == 0) &&
	    listen(*fd, BACKLOG) == 0 && take_name(&early, &address))
		return FAULT_NONE;
	error = errno == EEXIST ? EADDRINUSE : errno;
	(void)unlink(early.sun_path);
	return fault_set_errno(fault, FAULT_REPORT_SIGNATURE, error, "signer",
			       "cannot listen at '%s'", path);
}

static int serve(const struct signer_args *args)
{
	char own_uid[sizeof("4294967295")], parent[sizeof("2147483647")];
	int key_fd = -1, passphrase_fd = -1, listen_fd = -1;
	struct spawn_home home;
	struct spawn spawn;
	struct fault fault;
	enum fault_code code = spawn_find_home(&home, &fault);

	if (code == FAULT_NONE)
		code = key_file_open(args->values[SIGNER_KEY], &key_fd, &fault);
	if (code == FAULT_NONE && args->values[SIGNER_PASSPHRASE] != NULL)
		code = passphrase_open(args->values[SIGNER_PASSPHRASE], false, &passphrase_fd,
				       &fault);
	if (code == FAULT_NONE)
		code = listen_at(args, &listen_fd, &fault);
	if (code != FAULT_NONE) {
		fprintf(stderr, "safe-run: %s\n", fault.message);
		return VERB_REFUSED;
	}
	snprintf(own_uid, sizeof(own_uid), "%u", (unsigned int)geteuid());
	snprintf(parent, sizeof(parent), "%d", (int)getpid());
	spawn_begin(&spawn, "sr-signer", listen_fd, STDOUT_FILENO);
	spawn_fd(&spawn, "--key-fd", key_fd);
	spawn_fd(&spawn, "--passphrase-fd", passphrase_fd);
	spawn_fd(&spawn, "--listen-fd", listen_fd);
	spawn_text(&spawn, "--parent-pid", parent);
	for (size_t i = 0; i < args->uid_count; i++)
		spawn_text(&spawn, "--allow-uid", args->uids[i]);
	if (args->uid_count == 0)
		spawn_text(&spawn, "--allow-uid", own_uid);
	return spawn_and_wait(&spawn, &home);
}

int verb_signer(int argc, char **argv)
{
	struct option_cursor cursor = {"signer", SYNOPSIS, table, SIGNER_COUNT, argv, 1};
	struct signer_args args = {.uid_count = 0};
	const char *value;
	size_t index;

	(void)argc;
	for (;;) {
		switch (option_next(&cursor, &index, &value)) {
		case OPTION_FOUND:
			args.values[index] = value;
			if (index != SIGNER_ALLOW)
				break;
			if (args.uid_count == UIDS_MAX)
				return option_usage("signer", SYNOPSIS, "at most 64 --allow-uid");
			args.uids[args.uid_count++] = value;
			break;
		case OPTION_OPERAND:
		case OPTION_COMMAND:
			return option_usage("signer", SYNOPSIS, "takes options only");
		case OPTION_HELP:
			return VERB_DONE;
		case OPTION_WRONG:
			return VERB_USAGE;
		case OPTION_END:
			if (args.values[SIGNER_KEY] == NULL || args.values[SIGNER_SOCKET] == NULL)
				return option_usage("signer", SYNOPSIS, "needs --key and --socket");
			return serve(&args);
		}
	}
}
