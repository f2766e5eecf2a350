/* SPDX-License-Identifier: Apache-2.0 */
/* RG6: `closed COMMAND...`: execute it with descriptors 0, 1 and 2 closed. */
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	close(STDERR_FILENO);
	execv(argv[1], argv + 1);
	return 127;
}
