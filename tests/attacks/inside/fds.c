/* SPDX-License-Identifier: Apache-2.0 */
/* FD1: which descriptors came in? Asks for each number, so a hidden /proc hides nothing. */
#include "tell.h"

#include <fcntl.h>

int main(void)
{
	for (int fd = 0; fd < 70000; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			tell_number("fd", fd);
	}
	return 0;
}
