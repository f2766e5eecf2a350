/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/option.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PID_MAX 4194304 /* PID_MAX_LIMIT, include/linux/threads.h */

static const struct stage_option common[OPTION_COMMON_COUNT] = {
	[OPTION_RECORD_FD] = {"record-fd", STAGE_OPTION_FD, 0, 0, "N",
			      "copy every output record to descriptor N"},
	[OPTION_PARENT_PID] = {"parent-pid", STAGE_OPTION_NUMBER, 1, PID_MAX, "N",
			       "process N is the parent: die with it"},
	[OPTION_HELP] = {"help", STAGE_OPTION_FLAG, 0, 0, NULL, "print this and exit"},
	[OPTION_VERSION] = {"version", STAGE_OPTION_FLAG, 0, 0, NULL, "print the version and exit"},
};

static const struct stage_option *option_at(const struct stage *stage, size_t index)
{
	return index < OPTION_COMMON_COUNT ? &common[index]
					   : &stage->options[index - OPTION_COMMON_COUNT];
}

static size_t option_find(const struct stage *stage, const char *name, size_t name_len)
{
	size_t count = OPTION_COMMON_COUNT + stage->option_count;
	size_t i;

	for (i = 0; i < count; i++) {
		const char *known = option_at(stage, i)->name;

		if (strlen(known) == name_len && memcmp(known, name, name_len) == 0)
			break;
	}
	return i;
}

__attribute__((format(printf, 2, 3))) static bool option_refuse(struct option_parse *parse,
								const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(parse->error, sizeof parse->error, format, args);
	va_end(args);
	return false;
}

/* Digits only: strtoull takes signs and white space. */
static bool number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (*text == '\0')
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' ||
		    __builtin_mul_overflow(value, (uint64_t)10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			return false;
	}
	*out = value;
	return value >= min && value <= max;
}

static bool option_take_fd(const struct stage_option *option, const char *text,
			   struct stage_value *value, struct option_parse *parse)
{
	uint64_t number;

	if (!number_parse(text, 3, INT_MAX, &number))
		return option_refuse(parse, "--%s: '%.40s' is not a descriptor from 3 up",
				     option->name, text);
	if (fcntl((int)number, F_GETFD) < 0)
		return option_refuse(parse, "--%s: descriptor %d is not open", option->name,
				     (int)number);
	value->fd = (int)number;
	return true;
}

static bool option_take_fds(const struct stage_option *option, const char *text,
			    struct stage_value *value, struct option_parse *parse)
{
	int first = value->fd;

	if (value->fd_count == STAGE_FDS_MAX)
		return option_refuse(parse, "--%s: given more than %d times", option->name,
				     STAGE_FDS_MAX);
	if (!option_take_fd(option, text, value, parse))
		return false;
	value->fds[value->fd_count++] = value->fd;
	if (value->fd_count > 1)
		value->fd = first;
	return true;
}

static bool option_take_list(const struct stage_option *option, const char *text,
			     struct stage_value *value, struct option_parse *parse)
{
	if (value->list_count == STAGE_LIST_MAX)
		return option_refuse(parse, "--%s: given more than %d times", option->name,
				     STAGE_LIST_MAX);
	value->list[value->list_count++] = text;
	return true;
}

static bool option_take(const struct stage_option *option, const char *text,
			struct stage_value *value, struct option_parse *parse)
{
	if (value->given && option->kind != STAGE_OPTION_LIST && option->kind != STAGE_OPTION_FDS)
		return option_refuse(parse, "--%s: given twice", option->name);
	value->given = true;
	switch (option->kind) {
	case STAGE_OPTION_FLAG:
		return true;
	case STAGE_OPTION_FD:
		return option_take_fd(option, text, value, parse);
	case STAGE_OPTION_NUMBER:
		return number_parse(text, option->min, option->max, &value->number) ||
		       option_refuse(parse, "--%s: '%.40s' is not a number from %llu to %llu",
				     option->name, text, (unsigned long long)option->min,
				     (unsigned long long)option->max);
	case STAGE_OPTION_TEXT:
		value->text = text;
		return true;
	case STAGE_OPTION_LIST:
		return option_take_list(option, text, value, parse);
	case STAGE_OPTION_FDS:
		return option_take_fds(option, text, value, parse);
	}
	abort();
}

/* One argument that starts with "--"; *next moves past a value it consumed. */
static bool option_parse_one(const struct stage *stage, char **argv, int *next,
			     struct option_parse *parse)
{
	const char *name = argv[*next] + 2;
	const char *equals = strchr(name, '=');
	size_t name_len = equals ? (size_t)(equals - name) : strlen(name);
	size_t index = option_find(stage, name, name_len);
	const char *text = equals ? equals + 1 : NULL;
	const struct stage_option *option;

	if (index == OPTION_COMMON_COUNT + stage->option_count)
		return option_refuse(parse, "there is no option --%.*s",
				     name_len > 60 ? 60 : (int)name_len, name);
	option = option_at(stage, index);
	(*next)++;
	if (option->kind == STAGE_OPTION_FLAG) {
		if (equals)
			return option_refuse(parse, "--%s takes no value", option->name);
	} else if (!equals) {
		text = argv[*next];
		if (!text)
			return option_refuse(parse, "--%s needs a value (%s)", option->name,
					     option->value_name);
		(*next)++;
	}
	return option_take(option, text, &parse->values[index], parse);
}

bool option_parse(const struct stage *stage, int argc, char **argv, struct option_parse *parse)
{
	size_t count = OPTION_COMMON_COUNT + stage->option_count;
	int next = argc > 0 ? 1 : 0;

	parse->error[0] = '\0';
	parse->operand_index = next;
	parse->values = calloc(count, sizeof *parse->values);
	if (!parse->values)
		return option_refuse(parse, "out of memory");
	for (size_t i = 0; i < count; i++)
		parse->values[i].fd = -1;
	while (next < argc && strncmp(argv[next], "--", 2) == 0) {
		if (argv[next][2] == '\0') {
			next++;
			break;
		}
		if (!option_parse_one(stage, argv, &next, parse))
			return false;
	}
	parse->operand_index = next;
	if ((size_t)(argc - next) > stage->operand_max)
		return option_refuse(parse, "unexpected argument '%.60s'",
				     argv[(size_t)next + stage->operand_max]);
	return true;
}

void option_release(struct option_parse *parse)
{
	free(parse->values);
	parse->values = NULL;
}

const struct stage_value *option_own(const struct option_parse *parse)
{
	return parse->values + OPTION_COMMON_COUNT;
}

int option_print_help(const struct stage *stage, int fd)
{
	size_t count = OPTION_COMMON_COUNT + stage->option_count;

	if (dprintf(fd, "usage: %s [OPTION]...%s\n%s\n\n", stage->name,
		    stage->operand_max ? " FILE" : "", stage->summary) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		/* The stage's own first, the common ones last. */
		size_t index = (i + OPTION_COMMON_COUNT) % count;
		const struct stage_option *option = option_at(stage, index);
		char left[64];

		snprintf(left, sizeof left, "--%s%s%s%s", option->name,
			 option->value_name ? " " : "",
			 option->value_name ? option->value_name : "",
			 option->kind == STAGE_OPTION_LIST || option->kind == STAGE_OPTION_FDS
				 ? " ..."
				 : "");
		if (dprintf(fd, "  %-28s %s\n", left, option->help) < 0)
			return -1;
	}
	return 0;
}
