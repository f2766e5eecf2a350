/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/status.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* proc_pid_status() prints about 1.5 KiB; groups and cpusets of large machines make it longer. */
#define STATUS_TEXT_MAX 16384

/* Digits of base up to the next blank; strtoull would take signs and skip over line ends. */
static bool number_take(const char **text, unsigned base, uint64_t max, uint64_t *out)
{
	const char *next = *text;
	uint64_t value = 0;
	size_t digits = 0;

	while (*next == ' ' || *next == '\t')
		next++;
	for (;; next++, digits++) {
		unsigned digit = 16;

		if (*next >= '0' && *next <= '9')
			digit = (unsigned)(*next - '0');
		else if (*next >= 'a' && *next <= 'f')
			digit = (unsigned)(*next - 'a') + 10;
		if (digit >= base)
			break;
		if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit, &value))
			return false;
	}
	*text = next;
	*out = value;
	return digits > 0 && value <= max;
}

/* The rest of the line that begins with name, or NULL. */
static const char *line_find(const char *text, const char *name)
{
	size_t len = strlen(name);

	while (text) {
		if (strncmp(text, name, len) == 0)
			return text + len;
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return NULL;
}

static bool line_end(const char *text)
{
	while (*text == ' ' || *text == '\t')
		text++;
	return *text == '\n';
}

static bool ids_take(const char *text, const char *name, uint32_t ids[4])
{
	const char *line = line_find(text, name);
	uint64_t value;

	for (size_t i = 0; line && i < 4; i++) {
		if (!number_take(&line, 10, UINT32_MAX, &value))
			return false;
		ids[i] = (uint32_t)value;
	}
	return line && line_end(line);
}

static bool value_take(const char *text, const char *name, unsigned base, uint64_t max,
		       uint64_t *out)
{
	const char *line = line_find(text, name);

	return line && number_take(&line, base, max, out) && line_end(line);
}

static bool status_parse(const char *text, struct sandbox_status *status)
{
	uint64_t no_new_privs, mode, filters;

	if (!ids_take(text, "Uid:", status->uid) || !ids_take(text, "Gid:", status->gid) ||
	    !value_take(text, "CapInh:", 16, UINT64_MAX, &status->cap_inheritable) ||
	    !value_take(text, "CapPrm:", 16, UINT64_MAX, &status->cap_permitted) ||
	    !value_take(text, "CapEff:", 16, UINT64_MAX, &status->cap_effective) ||
	    !value_take(text, "CapBnd:", 16, UINT64_MAX, &status->cap_bounding) ||
	    !value_take(text, "CapAmb:", 16, UINT64_MAX, &status->cap_ambient) ||
	    !value_take(text, "NoNewPrivs:", 10, 1, &no_new_privs) ||
	    !value_take(text, "Seccomp:", 10, 2, &mode))
		return false;
	status->no_new_privs = no_new_privs == 1;
	status->seccomp_mode = (int)mode;
	status->seccomp_filters = -1; /* the line came with Linux 5.9 */
	if (!line_find(text, "Seccomp_filters:"))
		return true;
	if (!value_take(text, "Seccomp_filters:", 10, 65536, &filters))
		return false;
	status->seccomp_filters = (int)filters;
	return true;
}

/*
 * A task names itself in the first line (Name:), so a forged line could only come before ours; the
 * kernel escapes line ends there (proc_task_name, since 2.6).
 */
int sandbox_status_read(int status_fd, struct sandbox_status *status)
{
	char text[STATUS_TEXT_MAX] __attribute__((uninitialized)); /* read fills what is used */
	size_t len = 0;

	for (;;) {
		ssize_t done = read(status_fd, text + len, sizeof text - 1 - len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		if (done == 0)
			break;
		len += (size_t)done;
	}
	text[len] = '\0';
	if (len == sizeof text - 1 || memchr(text, '\0', len) || !status_parse(text, status)) {
		errno = EBADMSG;
		return -1;
	}
	return 0;
}
