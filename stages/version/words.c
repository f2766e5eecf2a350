/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/version/words.h"

#include <stdbool.h>
#include <string.h>

#define CODE	   FAULT_RUN_LAUNCH
#define PATH	   "version"
#define DIGITS_MAX 4
#define TAIL_MAX   64

struct cursor {
	const char *at, *end;
};

static bool take(struct cursor *cursor, char wanted)
{
	if (cursor->at == cursor->end || *cursor->at != wanted)
		return false;
	cursor->at++;
	return true;
}

static bool letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool take_name(struct cursor *cursor, char name[WORDS_NAME_SIZE])
{
	size_t len = 0;

	while (cursor->at < cursor->end && letter(*cursor->at) && len < WORDS_NAME_SIZE - 1)
		name[len++] = *cursor->at++;
	name[len] = '\0';
	return len > 0;
}

static bool take_number(struct cursor *cursor, int64_t *number)
{
	int count = 0;

	*number = 0;
	while (cursor->at < cursor->end && digit(*cursor->at) && count < DIGITS_MAX) {
		*number = *number * 10 + (*cursor->at++ - '0');
		count++;
	}
	return count > 0;
}

/* Up to the line's end. */
static bool take_tail(struct cursor *cursor)
{
	const char *start = cursor->at;

	if (cursor->at < cursor->end && *cursor->at == '-')
		while (cursor->at<cursor->end && * cursor->at> ' ' && *cursor->at <= '~')
			cursor->at++;
	return cursor->at - start <= TAIL_MAX && cursor->at < cursor->end && *cursor->at == '\n';
}

enum fault_code words_parse(const char *text, size_t len, struct words_version *version,
			    struct fault *fault)
{
	struct cursor cursor = {.at = text, .end = text + len};

	memset(version, 0, sizeof *version);
	if (take_name(&cursor, version->name) && take(&cursor, ' ') && take(&cursor, 'v') &&
	    take_number(&cursor, &version->major) && take(&cursor, '.') &&
	    take_number(&cursor, &version->minor) && take(&cursor, '.') &&
	    take_number(&cursor, &version->patch) && take_tail(&cursor))
		return FAULT_NONE;
	return fault_set(fault, CODE, PATH,
			 "what it says of its version begins with \"%.*s\", which is no \"Name "
			 "v1.2.3\"",
			 (int)(len < 60 ? len : 60), text);
}
