/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VERSION_WORDS_H
#define VERSION_WORDS_H

#include "ipc/fault.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The first line of what "firecracker --version" and "jailer --version" print: a name of letters, a
 * space, "v", three numbers of at most four digits between dots, and nothing more but what a build
 * calls itself behind a hyphen ("-dev", "-dirty").
 */
#define WORDS_NAME_SIZE 32

struct words_version {
	char name[WORDS_NAME_SIZE];
	int64_t major, minor, patch;
};

enum fault_code words_parse(const char *text, size_t len, struct words_version *version,
			    struct fault *fault) __attribute__((warn_unused_result));

#endif
