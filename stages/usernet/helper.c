/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/usernet/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH	  "launch.network.uplink"
#define WORD_MAX  48
#define WORD_SIZE 64
#define STR(n)	  #n
#define TEXT(n)	  STR(n)

struct words {
	const char *argv[WORD_MAX];
	char made[8][WORD_SIZE];
	size_t count, made_count;
};

/* More than there is room for is a mistake here, not in what came. */
static void add(struct words *words, const char *word)
{
	if (words->count + 1 >= WORD_MAX)
		abort();
	words->argv[words->count++] = word;
	words->argv[words->count] = NULL;
}

__attribute__((format(printf, 2, 3))) static void make(struct words *words, const char *format, ...)
{
	char *word = words->made[words->made_count++];
	va_list args;

	if (words->made_count > sizeof words->made / sizeof words->made[0])
		abort();
	va_start(args, format);
	(void)vsnprintf(word, WORD_SIZE, format, args);
	va_end(args);
	add(words, word);
}

static void make_address(struct words *words, const struct helper_plan *plan, uint32_t host)
{
	char text[NET4_TEXT_SIZE];

	net4_format((struct net4){plan->net.address + host, 32}, true, text);
	make(words, "%s", text);
}

/*
 * Nothing but packets of IPv4, from the inside to the outside: no port is forwarded either way, no
 * address stands for the host, no DHCP, no router advertisements, no name service, no ping. By path,
 * and that of a process: packaged AppArmor profiles know /proc/PID/ns, and newer releases close the
 * descriptors they inherit. sr-filter configures the interface.
 */
static void compose_pasta(struct words *words, const struct helper_plan *plan)
{
	static const char *const fixed[] = {
		"--foreground", "--quiet",     "--ipv4-only", "--no-map-gw", "--no-netns-quit",
		"--no-dhcp",	"--no-dhcpv6", "--no-ra",     "--no-ndp",    "--no-icmp",
		"--tcp-ports",	"none",	       "--udp-ports", "none",	     "--tcp-ns",
		"none",		"--udp-ns",    "none",	      "--dns",	     "none",
		"--search",	"none",	       "--netmask",   "24",
	};

	add(words, "pasta");
	for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
		add(words, fixed[i]);
	add(words, "--ns-ifname");
	add(words, plan->interface);
	add(words, "--address");
	make_address(words, plan, HELPER_ADDRESS);
	add(words, "--gateway");
	make_address(words, plan, HELPER_GATEWAY);
	/* It wants an interface to imitate; where none leads out, any will do. */
	if (!plan->leaves) {
		add(words, "--interface");
		add(words, "lo");
		add(words, "--mac-addr");
		add(words, "02:73:72:00:00:01");
	}
	add(words, "--userns");
	make(words, "/proc/%u/ns/user", plan->run_pid);
	add(words, "--netns");
	make(words, "/proc/%u/ns/net", plan->run_pid);
}

static void compose_slirp(struct words *words, const struct helper_plan *plan)
{
	char text[NET4_TEXT_SIZE];

	net4_format(plan->net, false, text);
	add(words, "slirp4netns");
	add(words, "--disable-host-loopback");
	add(words, "--disable-dns");
	add(words, "--enable-seccomp");
	add(words, "--netns-type=path");
	add(words, "--mtu=" TEXT(HELPER_MTU));
	make(words, "--cidr=%s", text);
	make(words, "--userns-path=/proc/self/fd/%d", plan->user_fd);
	make(words, "/proc/self/fd/%d", plan->net_fd);
	add(words, plan->interface);
}

static enum fault_code start(struct helper *helper, const struct program *program,
			     const struct words *words, const int kept[2], struct fault *fault)
{
	int ends[2], error_number = 0;

	*helper = (struct helper)HELPER_NONE;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return fault_set_errno(fault, FAULT_RUN_LAUNCH, errno, PATH, "pipe");
	helper->out_fd = ends[0];
	if (program_start(program, words->argv, ends[1], kept, &helper->pid) < 0) {
		helper->pid = 0;
		error_number = errno;
	}
	(void)close(ends[1]);
	if (error_number == 0) {
		helper->pidfd = pidfd_open(helper->pid, 0);
		error_number = helper->pidfd < 0 ? errno : 0;
	}
	if (error_number == 0)
		return FAULT_NONE;
	helper_stop(helper);
	return fault_set_errno(fault, FAULT_RUN_LAUNCH, error_number, PATH, "cannot start %s",
			       program->path);
}

enum fault_code helper_start(struct helper *helper, const struct helper_plan *plan,
			     struct fault *fault)
{
	bool slirp = plan->program->kind == PROGRAM_SLIRP;
	const int kept[2] = {slirp ? plan->user_fd : -1, slirp ? plan->net_fd : -1};
	struct words words = {.count = 0};

	if (slirp)
		compose_slirp(&words, plan);
	else
		compose_pasta(&words, plan);
	return start(helper, plan->program, &words, kept, fault);
}

enum fault_code helper_ask_version(struct helper *helper, const struct program *program,
				   struct fault *fault)
{
	const int kept[2] = {-1, -1};
	struct words words = {.count = 0};

	add(&words, program_name(program->kind));
	add(&words, "--version");
	return start(helper, program, &words, kept, fault);
}

int helper_listen(struct helper *helper)
{
	size_t room = sizeof helper->said - 1 - helper->said_len;
	char rest[1024];
	ssize_t got = room > 0 ? read(helper->out_fd, helper->said + helper->said_len, room)
			       : read(helper->out_fd, rest, sizeof rest);

	if (got > 0 && room > 0)
		helper->said_len += (size_t)got;
	helper->said[helper->said_len] = '\0';
	return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

const char *helper_last_words(struct helper *helper)
{
	char *end = helper->said + helper->said_len;
	const char *line;

	while (end > helper->said && end[-1] == '\n')
		*--end = '\0';
	line = strrchr(helper->said, '\n');
	return line == NULL ? helper->said : line + 1;
}

const char *helper_first_line(struct helper *helper)
{
	helper->said[strcspn(helper->said, "\n")] = '\0';
	return helper->said;
}

void helper_stop(struct helper *helper)
{
	siginfo_t info;
	int result;

	if (helper->pid > 0) {
		/* Ours, and not reaped: the number is nobody else's. */
		(void)kill(helper->pid, SIGKILL);
		do
			result = waitid(P_PID, (id_t)helper->pid, &info, WEXITED);
		while (result < 0 && errno == EINTR);
	}
	helper->pid = 0;
	if (helper->pidfd >= 0)
		(void)close(helper->pidfd);
	if (helper->out_fd >= 0)
		(void)close(helper->out_fd);
	helper->pidfd = helper->out_fd = -1;
}
