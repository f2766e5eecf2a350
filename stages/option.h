/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STAGES_OPTION_H
#define STAGES_OPTION_H

#include "stages/stage.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * A command line read by a table of struct stage_option: --name VALUE or --name=VALUE, exact names
 * only, options before operands, -- ends them. The options every stage has come first.
 */
enum option_common {
	OPTION_RECORD_FD,
	OPTION_PARENT_PID,
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_COMMON_COUNT
};

struct option_parse {
	/*
	 * One value per common option, then one per option of the stage; owned, see
	 * option_release. On the heap because calloc touches no page a lone list does not use.
	 */
	struct stage_value *values;
	int operand_index; /* argv[operand_index..argc) */
	char error[256];   /* set when option_parse fails */
};

/* false: the command line is wrong and error says how. Looks at descriptors, changes nothing. */
bool option_parse(const struct stage *stage, int argc, char **argv, struct option_parse *parse)
	__attribute__((warn_unused_result));
void option_release(struct option_parse *parse);

/* The stage's own values, in the order of stage->options. */
const struct stage_value *option_own(const struct option_parse *parse);

/* How to call it, made from the table; 0, or -1 with errno. */
int option_print_help(const struct stage *stage, int fd) __attribute__((warn_unused_result));

#endif
