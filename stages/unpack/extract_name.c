/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/unpack/extract.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>

#define CODE FAULT_RUN_LAUNCH
#define PATH "launch.root.unpack"

enum fault_code extract_name(const char *name, char out[BOUNDS_PATH], struct fault *fault)
{
	size_t used = 0, depth = 0;

	out[0] = '\0';
	if (name[0] == '/')
		return fault_set(fault, CODE, PATH, "the entry \"%.256s\" is an absolute path",
				 name);
	while (*name != '\0') {
		size_t len = strcspn(name, "/");

		if (len == 2 && name[0] == '.' && name[1] == '.')
			return fault_set(fault, CODE, PATH,
					 "an entry leads out of the image by \"..\": %.256s", name);
		if (len > NAME_MAX || len + used + 2 > BOUNDS_PATH)
			return fault_set(fault, CODE, PATH, "an entry's name is too long: %.256s",
					 name);
		if (len > 0 && !(len == 1 && name[0] == '.')) {
			if (++depth > BOUNDS_DEPTH)
				return fault_set(fault, CODE, PATH,
						 "an entry is deeper than %d directories",
						 BOUNDS_DEPTH);
			if (used > 0)
				out[used++] = '/';
			memcpy(out + used, name, len);
			used += len;
			out[used] = '\0';
		}
		name += len;
		name += strspn(name, "/");
	}
	return FAULT_NONE;
}
