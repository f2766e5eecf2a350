/* SPDX-License-Identifier: Apache-2.0 */
/* hash MIB: SHA-256 over MIB mebibytes in 16 KiB blocks through our digest; prints MB/s (10^6). */
#include "stages/seal/digest.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
	static const uint8_t block[16384];
	uint8_t value[DIGEST_SIZE];
	struct timespec start, end;
	struct digest *digest;
	size_t blocks = (argc == 2 ? strtoul(argv[1], NULL, 10) : 1024) * 64;
	double seconds;

	if (digest_prewarm() != 0)
		return 3;
	digest = digest_new();
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (size_t i = 0; i < blocks; i++)
		digest_update(digest, block, sizeof(block));
	digest_value(digest, value);
	clock_gettime(CLOCK_MONOTONIC, &end);
	digest_free(digest);
	seconds = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
	printf("%.1f\n", (double)blocks * sizeof(block) / 1e6 / seconds);
	return 0;
}
