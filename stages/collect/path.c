/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/collect/path.h"

#include <string.h>

bool path_leads_down(const char *path)
{
	if (strcmp(path, ".") == 0)
		return true;
	for (;;) {
		size_t len = strcspn(path, "/");

		if (len == 0 || len > 255 || (len == 1 && path[0] == '.') ||
		    (len == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		if (path[len] == '\0')
			return true;
		path += len + 1;
	}
}
