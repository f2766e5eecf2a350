/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_OVERRIDES_H
#define CMD_OVERRIDES_H

#include "ipc/buf.h"
#include "ipc/fault.h"

#include <stddef.h>
#include <stdint.h>

/*
 * What the command line changes in the policy: "FIELD=JSON" for sr-validate, which records them
 * with its input. The front-end knows how to spell a value, never what it means.
 */
#define OVERRIDES_MAX 120 /* fewer than sr-validate takes */

struct overrides {
	struct buf items[OVERRIDES_MAX]; /* each NUL-terminated */
	size_t count;
};

void overrides_init(struct overrides *overrides);
void overrides_release(struct overrides *overrides);

/*
 * Each adds one. A text that canonical JSON cannot hold (not UTF-8, or with a DEL byte) is a fault
 * whose path is the field.
 */
enum fault_code overrides_text(struct overrides *overrides, const char *field, const char *text,
			       struct fault *fault) __attribute__((warn_unused_result));
/* A text of digits becomes a number, any other stays text: "256Mi", "max". */
enum fault_code overrides_amount(struct overrides *overrides, const char *field, const char *text,
				 struct fault *fault) __attribute__((warn_unused_result));
/* "0.5" (of one CPU) becomes "50000 100000"; "<quota> <period>" stays; "max" means no limit. */
enum fault_code overrides_cpu(struct overrides *overrides, const char *text, struct fault *fault)
	__attribute__((warn_unused_result));
/* "NAME=VALUE", or "NAME" for the caller's own value. */
enum fault_code overrides_env(struct overrides *overrides, const char *text, struct fault *fault)
	__attribute__((warn_unused_result));
/*
 * All of them in a file without a name, for sr-validate's --set-fd: a word of a command line would
 * take 128 KiB at most (MAX_ARG_STRLEN, execve(2)). -1 when there are none; the caller closes it.
 */
enum fault_code overrides_file(const struct overrides *overrides, int *fd, struct fault *fault)
	__attribute__((warn_unused_result));
/* runtime.command and runtime.args, from a NULL-terminated list of at least one word. */
enum fault_code overrides_command(struct overrides *overrides, char *const words[],
				  struct fault *fault) __attribute__((warn_unused_result));

#endif
