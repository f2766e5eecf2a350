/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enters one profile, or installs one filter alone, and makes one system call with the numbers
 * given:
 *
 *     sandbox-probe profile|filter NAME NUMBER [ARGUMENT]...
 *
 * NUMBER "int80:N" goes through the 32-bit gate. ARGUMENT is a number (0x, negative) or @TEXT, the
 * address of TEXT. Exit status: 0 when the call succeeded, else its errno; 200 when the probe
 * itself could not be made.
 */
#include "sandbox/landlock.h"
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BROKEN 200

static const struct {
	const char *name;
	const struct sandbox_profile *profile;
} profiles[] = {
	{"validate", &sandbox_profile_validate}, {"compile", &sandbox_profile_compile},
	{"launch", &sandbox_profile_launch},	 {"monitor", &sandbox_profile_monitor},
	{"seal", &sandbox_profile_seal},	 {"verify", &sandbox_profile_verify},
	{"canon", &sandbox_profile_canon},	 {"collect", &sandbox_profile_collect},
	{"deposit", &sandbox_profile_deposit},	 {"export", &sandbox_profile_export},
	{"diff", &sandbox_profile_diff},	 {"inspect", &sandbox_profile_inspect},
	{"compare", &sandbox_profile_compare},	 {"signer", &sandbox_profile_signer},
	{"ed25519", &sandbox_profile_ed25519},	 {"key", &sandbox_profile_key},
	{"tree", &sandbox_profile_tree},	 {"unpack", &sandbox_profile_unpack},
	{"resolve", &sandbox_profile_resolve},	 {"egress", &sandbox_profile_egress},
	{"machine", &sandbox_profile_machine},	 {"guest", &sandbox_profile_guest},
	{"filter", &sandbox_profile_filter},	 {"uplink", &sandbox_profile_uplink},
	{"usernet", &sandbox_profile_usernet},	 {"image", &sandbox_profile_image},
	{"artifact", &sandbox_profile_artifact}, {"jail", &sandbox_profile_jail},
	{"version", &sandbox_profile_version},
};

static void enter_profile(const char *name)
{
	for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++) {
		if (strcmp(profiles[i].name, name) == 0) {
			sandbox_enter(profiles[i].profile, NULL, 0, 0);
			return;
		}
	}
	_exit(BROKEN);
}

static void install_filter(const char *name)
{
	const struct sandbox_filter *filter = sandbox_workload_filter(name);

	if (strcmp(name, "launch-parent") == 0)
		filter = &sandbox_filter_launch_parent;
	if (strcmp(name, "launch-init") == 0)
		filter = &sandbox_filter_launch_init;
	if (strcmp(name, "vmm") == 0)
		filter = &sandbox_filter_vmm;
	if (strcmp(name, "usernet-watch") == 0)
		filter = &sandbox_filter_usernet_watch;
	if (!filter || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    sandbox_filter_install(filter) < 0)
		_exit(BROKEN);
}

static long argument(const char *text)
{
	return text[0] == '@' ? (long)(uintptr_t)(text + 1)
			      : (long)(text[0] == '-' ? (unsigned long long)strtoll(text, NULL, 0)
						      : strtoull(text, NULL, 0));
}

/* The result as the 32-bit gate gives it: -errno. */
static long call_int80(long number)
{
#ifdef __x86_64__
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(0), "c"(0), "d"(0)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
#else
	(void)number;
	_exit(BROKEN);
#endif
}

int main(int argc, char **argv)
{
	long arguments[6] = {0};
	long result;

	if (argc < 4 || argc > 10)
		return BROKEN;
	for (int i = 4; i < argc; i++)
		arguments[i - 4] = argument(argv[i]);
	if (strcmp(argv[1], "profile") == 0)
		enter_profile(argv[2]);
	else
		install_filter(argv[2]);
	if (strncmp(argv[3], "int80:", 6) == 0) {
		result = call_int80(strtol(argv[3] + 6, NULL, 10));
		_exit(result < 0 ? (int)-result : 0);
	}
	result = syscall(argument(argv[3]), arguments[0], arguments[1], arguments[2], arguments[3],
			 arguments[4], arguments[5]);
	_exit(result < 0 ? errno : 0);
}
