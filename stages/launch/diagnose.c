/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/namespace.h"

#include "stages/launch/text_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A sysctl's number; -1 when this kernel has no such file. */
static long sysctl_number(const char *path)
{
	char text[32];
	char *end = NULL;
	long value;

	if (text_file_read(path, text, sizeof text) < 0)
		return -1;
	value = strtol(text, &end, 10);
	return end == text ? -1 : value;
}

/* Filters on this process beyond the one it gave itself: an outer container's. */
static bool filtered_from_outside(void)
{
	static const char key[] = "\nSeccomp_filters:";
	char text[4096];
	const char *line;

	if (text_file_read("/proc/self/status", text, sizeof text) < 0)
		return false;
	line = strstr(text, key);
	return line != NULL && strtol(line + strlen(key), NULL, 10) > 1;
}

/*
 * Each denial has its own switch and its own remedy. The order is from the surest sign to the
 * weakest: a sysctl that says no is the cause; an outer filter is one when nothing else explains
 * it.
 */
static const char *cause_of_denial(int error_number)
{
	if (sysctl_number("/proc/sys/user/max_user_namespaces") == 0)
		return "user namespaces are switched off: sysctl user.max_user_namespaces is 0. "
		       "Mend it with `sysctl -w user.max_user_namespaces=15000`, or run as root";
	if (sysctl_number("/proc/sys/kernel/unprivileged_userns_clone") == 0)
		return "user namespaces are kept for root: sysctl kernel.unprivileged_userns_clone "
		       "is 0. Mend it with `sysctl -w kernel.unprivileged_userns_clone=1`, or run "
		       "as root";
	if (sysctl_number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") > 0)
		return "AppArmor denies user namespaces to programs without a profile: sysctl "
		       "kernel.apparmor_restrict_unprivileged_userns is 1. Mend it with a profile "
		       "that has `userns,` for sr-launch in /etc/apparmor.d, or run as root";
	if (error_number == ENOSPC || error_number == EUSERS)
		return "the limit on namespaces is reached: see sysctl user.max_user_namespaces "
		       "and its neighbours, which count per user and per parent namespace";
	if (error_number == ENOSYS || filtered_from_outside())
		return "a seccomp filter around this process denies new namespaces, as Docker's "
		       "default profile does. Start the outer container with a profile that "
		       "allows clone3 and unshare (docker run --security-opt "
		       "seccomp=unconfined), or run safe-run outside it";
	return NULL;
}

enum fault_code namespace_explain(int error_number, bool with_user, const char *path,
				  struct fault *fault)
{
	const char *cause = NULL;

	if (error_number == EPERM || error_number == EACCES || error_number == ENOSPC ||
	    error_number == EUSERS || error_number == ENOSYS)
		cause = with_user ? cause_of_denial(error_number) : NULL;
	if (cause != NULL)
		return fault_set_errno(fault, FAULT_HOST_LACKS, error_number, path,
				       "cannot make namespaces: %s", cause);
	if (error_number == EPERM && with_user)
		return fault_set_errno(fault, FAULT_HOST_LACKS, error_number, path,
				       "cannot make namespaces, and no sysctl says why: a chroot, "
				       "a security module or an outer container forbids it. Run "
				       "outside of it, or as root");
	return fault_set_errno(fault, FAULT_RUN_LAUNCH, error_number, path,
			       "cannot make namespaces");
}
