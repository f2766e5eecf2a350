/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for systemd-run(1): writes its words to ./words, one a line, moves itself into a scope
 * that is ours when ./moves is there, and executes what stands behind "--".
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void move(void)
{
	FILE *file = fopen("cgroup", "we");

	if (file == NULL)
		return;
	(void)fputs("0::/app.slice/run-1.scope\n", file);
	(void)fclose(file);
}

int main(int argc, char **argv)
{
	FILE *words = fopen("words", "ae");
	int command = 0;

	if (words == NULL)
		return 1;
	for (int i = 1; i < argc; i++) {
		(void)fprintf(words, "%s\n", argv[i]);
		if (command == 0 && strcmp(argv[i], "--") == 0)
			command = i + 1;
	}
	(void)fclose(words);
	if (access("moves", F_OK) == 0)
		move();
	/* As one that expands what it should not. */
	if (access("changes", F_OK) == 0)
		argv[argc - 1][0] = 'X';
	if (command != 0 && command < argc)
		(void)execv(argv[command], argv + command);
	perror("systemd-run");
	return 1;
}
