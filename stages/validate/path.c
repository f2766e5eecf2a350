/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/path.h"

#include "ipc/utf8.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* C0 and C1 controls and DEL; bytes that are not UTF-8. */
static bool has_control(const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		const unsigned char c = (unsigned char)text[i];
		const size_t step = utf8_sequence(text + i, len - i);

		if (step == 0 || c < 0x20 || c == 0x7f)
			return true;
		if (c == 0xc2 && (unsigned char)text[i + 1] < 0xa0)
			return true;
		i += step;
	}
	return false;
}

static bool has_long_name(const char *text)
{
	while (text[0] != '\0') {
		const size_t len = strcspn(text, "/");

		if (len > PATH_NAME_MAX)
			return true;
		text += len;
		text += strspn(text, "/");
	}
	return false;
}

enum path_fault path_check(const char *text)
{
	const size_t len = strnlen(text, PATH_TEXT_MAX + 1);

	if (len == 0)
		return PATH_EMPTY;
	if (text[0] != '/')
		return PATH_RELATIVE;
	if (len > PATH_TEXT_MAX || has_long_name(text))
		return PATH_LONG;
	return has_control(text, len) ? PATH_CONTROL : PATH_OK;
}

enum path_fault path_clean(const char *text, char out[PATH_TEXT_MAX + 1])
{
	enum path_fault fault = path_check(text);
	size_t used = 0;

	if (fault != PATH_OK)
		return fault;
	while (text[0] != '\0') {
		size_t len;

		text += strspn(text, "/");
		len = strcspn(text, "/");
		if (len == 2 && memcmp(text, "..", 2) == 0)
			return PATH_DOTDOT;
		if (len > 0 && !(len == 1 && text[0] == '.')) {
			out[used++] = '/';
			memcpy(out + used, text, len);
			used += len;
		}
		text += len;
	}
	if (used == 0)
		out[used++] = '/';
	out[used] = '\0';
	return PATH_OK;
}

const char *path_fault_words(enum path_fault fault)
{
	switch (fault) {
	case PATH_OK:
		return "is fine";
	case PATH_EMPTY:
		return "is empty; write an absolute path";
	case PATH_RELATIVE:
		return "is not absolute; start it with /";
	case PATH_LONG:
		return "is too long: 4095 bytes, 255 between slashes, are the most";
	case PATH_CONTROL:
		return "holds a control character or is not UTF-8; rename the file";
	case PATH_DOTDOT:
		return "has a '..' in it; write where it leads";
	}
	__builtin_unreachable();
}

bool path_below(const char *path, const char *prefix)
{
	const size_t len = strlen(prefix);

	if (strcmp(prefix, "/") == 0)
		return true;
	return strncmp(path, prefix, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static const char *first_above(const char *path, const char *const prefixes[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (path_below(path, prefixes[i]))
			return prefixes[i];
	return NULL;
}

const char *path_denied_host(const char *path)
{
	static const char *const prefixes[] = {"/proc", "/sys", "/dev"};

	return first_above(path, prefixes, COUNT(prefixes));
}

const char *path_denied_inside(const char *path)
{
	static const char *const prefixes[] = {
		"/proc", "/sys", "/dev",   "/run",   "/boot",	"/etc", "/bin",
		"/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/usr",
	};

	return strcmp(path, "/") == 0 ? "/" : first_above(path, prefixes, COUNT(prefixes));
}
