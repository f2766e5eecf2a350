/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATE_SETTINGS_H
#define VALIDATE_SETTINGS_H

#include "ipc/buf.h"
#include "ipc/fault.h"

#include <stddef.h>

/*
 * Settings that are too long for a command line (execve(2) takes MAX_ARG_STRLEN, 128 KiB, for a
 * word): "FIELD=JSON" as for --set, each with a NUL behind it, read to the end of a descriptor.
 */
#define SETTINGS_MAX	 128
#define SETTINGS_LEN_MAX ((size_t)8 << 20)

struct settings {
	const char *items[SETTINGS_MAX]; /* first those of --set, then those in text */
	size_t count;
	struct buf text;
};

void settings_init(struct settings *settings, const char *const words[], size_t count);
void settings_release(struct settings *settings);
#define SETTINGS_CLEANUP __attribute__((cleanup(settings_release)))

/* Adds what fd holds; a fault has the path validate.set. */
enum fault_code settings_read(struct settings *settings, int fd, struct fault *fault)
	__attribute__((warn_unused_result));

/* The same for what is in text already. */
enum fault_code settings_split(struct settings *settings, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
