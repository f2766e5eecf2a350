/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/option.h"

#include "cmd/verb.h"
#include "ipc/fault.h"

#include <stdio.h>
#include <string.h>

int option_usage(const char *verb, const char *synopsis, const char *what)
{
	struct fault said;

	/* A fault's message is escaped: a word of the command line may hold a terminal sequence. */
	fault_set(&said, FAULT_RUN_INIT, "", "%s", what);
	fprintf(stderr, "safe-run %s: %s\nusage: safe-run %s %s\n", verb, said.message, verb,
		synopsis);
	return VERB_USAGE;
}

static enum option_step wrong(const struct option_cursor *cursor, const char *word,
			      const char *what, const char **value)
{
	char said[FAULT_MESSAGE_SIZE];

	*value = what;
	snprintf(said, sizeof(said), "'%s' %s", word, what);
	option_usage(cursor->verb, cursor->synopsis, said);
	return OPTION_WRONG;
}

static enum option_step print_help(const struct option_cursor *cursor, const char **value)
{
	printf("usage: safe-run %s %s\n\n", cursor->verb, cursor->synopsis);
	for (size_t i = 0; i < cursor->option_count; i++) {
		const struct option *option = &cursor->options[i];

		printf("  --%s%s%s\n        %s\n", option->name, option->value_name ? " " : "",
		       option->value_name ? option->value_name : "", option->help);
	}
	if (fflush(stdout) == 0)
		return OPTION_HELP;
	*value = "cannot be shown";
	return OPTION_WRONG;
}

static enum option_step take_value(struct option_cursor *cursor, const struct option *option,
				   const char *word, const char *attached, const char **value)
{
	if (option->value_name == NULL)
		return attached == NULL ? OPTION_FOUND
					: wrong(cursor, word, "takes no value", value);
	if (attached == NULL) {
		attached = cursor->argv[cursor->next];
		if (attached == NULL)
			return wrong(cursor, word, "needs a value", value);
		cursor->next++;
	}
	*value = attached;
	return OPTION_FOUND;
}

enum option_step option_next(struct option_cursor *cursor, size_t *index, const char **value)
{
	const char *word = cursor->argv[cursor->next];
	size_t name_len;

	if (word == NULL)
		return OPTION_END;
	cursor->next++;
	*value = word;
	if (word[0] != '-' || word[1] == '\0')
		return OPTION_OPERAND;
	if (strcmp(word, "--") == 0)
		return OPTION_COMMAND;
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return print_help(cursor, value);
	if (word[1] != '-')
		return wrong(cursor, word, "is not an option", value);
	name_len = strcspn(word + 2, "=");
	for (*index = 0; *index < cursor->option_count; ++*index) {
		const struct option *option = &cursor->options[*index];
		const char *attached = word[2 + name_len] == '=' ? word + 3 + name_len : NULL;

		if (strlen(option->name) == name_len &&
		    memcmp(option->name, word + 2, name_len) == 0)
			return take_value(cursor, option, word, attached, value);
	}
	return wrong(cursor, word, "is not an option", value);
}

bool option_number(const char *text, uint64_t min, uint64_t max, uint64_t *number)
{
	uint64_t sum = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		if (*text < '0' || *text > '9' || digit > max || sum > (max - digit) / 10)
			return false;
		sum = sum * 10 + digit;
	}
	*number = sum;
	return sum >= min;
}
