/* SPDX-License-Identifier: Apache-2.0 */
/* FD1's careless caller: opens a secret on every descriptor from 3 to 250, then executes the rest.
 */
#include "tell.h"

#include <fcntl.h>
#include <unistd.h>

#define LEAK_LAST 250

int main(int argc, char **argv)
{
	int secret = open("/etc/passwd", O_RDONLY);

	if (argc < 2 || secret < 0)
		return 2;
	for (int fd = 3; fd <= LEAK_LAST; fd++) {
		if (fd != secret && dup2(secret, fd) < 0)
			return 2;
	}
	execv(argv[1], argv + 1);
	tell(argv[1], -1);
	return 127;
}
