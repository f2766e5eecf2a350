/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/settings.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define FIELD "validate.set"

void settings_init(struct settings *settings, const char *const words[], size_t count)
{
	settings->count = count < SETTINGS_MAX ? count : SETTINGS_MAX;
	for (size_t i = 0; i < settings->count; i++)
		settings->items[i] = words[i];
	buf_init(&settings->text, SETTINGS_LEN_MAX);
}

void settings_release(struct settings *settings)
{
	buf_release(&settings->text);
}

static enum fault_code read_all(int fd, struct buf *text, struct fault *fault)
{
	char block[16384];

	for (;;) {
		ssize_t got = read(fd, block, sizeof(block));

		if (got == 0)
			return FAULT_NONE;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fault_set_errno(fault, FAULT_POLICY_FORMAT, errno, FIELD,
					       "cannot read what --set-fd names");
		buf_append(text, block, (size_t)got);
		if (text->overflowed)
			return fault_set(fault, FAULT_POLICY_FORMAT, FIELD,
					 "--set-fd: longer than %zu bytes", SETTINGS_LEN_MAX);
	}
}

enum fault_code settings_read(struct settings *settings, int fd, struct fault *fault)
{
	if (read_all(fd, &settings->text, fault) != FAULT_NONE)
		return fault->code;
	return settings_split(settings, fault);
}

enum fault_code settings_split(struct settings *settings, struct fault *fault)
{
	const char *next;
	const char *end;

	if (settings->text.len == 0)
		return FAULT_NONE;
	next = settings->text.data;
	end = next + settings->text.len;
	if (end[-1] != '\0')
		return fault_set(fault, FAULT_POLICY_FORMAT, FIELD,
				 "--set-fd: the last setting has no NUL behind it");
	while (next < end) {
		if (settings->count == SETTINGS_MAX)
			return fault_set(fault, FAULT_POLICY_FORMAT, FIELD,
					 "more than %d settings; write a policy", SETTINGS_MAX);
		settings->items[settings->count++] = next;
		next += strlen(next) + 1;
	}
	return FAULT_NONE;
}
