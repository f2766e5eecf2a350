/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RG6: `flood BYTES [LINE]`: that many bytes on stdout, a newline after each LINE of them (0:
 * never). The bytes are a counter's, so that a hash tells whether one was lost or came twice.
 */
#include "tell.h"

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static char block[65536];
	uint64_t total = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
	uint64_t line = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	uint64_t sent = 0;

	while (sent < total) {
		size_t len = total - sent < sizeof block ? (size_t)(total - sent) : sizeof block;

		for (size_t i = 0; i < len; i++) {
			uint64_t at = sent + i + 1;

			block[i] = line && at % line == 0 ? '\n' : (char)('a' + at % 23);
		}
		for (size_t done = 0; done < len;) {
			ssize_t wrote = write(STDOUT_FILENO, block + done, len - done);

			if (wrote < 0) {
				fprintf(stderr, "flood %s\n", strerrorname_np(errno));
				return 1;
			}
			done += (size_t)wrote;
		}
		sent += len;
	}
	return 0;
}
