/* SPDX-License-Identifier: Apache-2.0 */
/* FD4: two programs of the same size that differ in one word. EV4: also prints its arguments. */
#include <stdio.h>

#ifndef SAY_WORD
#define SAY_WORD "one"
#endif

int main(int argc, char **argv)
{
	printf("%s\n", SAY_WORD);
	for (int i = 1; i < argc; i++)
		printf("%s%c", argv[i], '\0');
	return 0;
}
