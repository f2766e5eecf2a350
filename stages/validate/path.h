/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATE_PATH_H
#define VALIDATE_PATH_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Paths as text. Comparison is by component: /data is above /data/x and not above /database.
 */
#define PATH_TEXT_MAX 4095 /* PATH_MAX without its NUL */
#define PATH_NAME_MAX 255

enum path_fault {
	PATH_OK,
	PATH_EMPTY,
	PATH_RELATIVE,
	PATH_LONG,    /* over PATH_TEXT_MAX, or a component over PATH_NAME_MAX */
	PATH_CONTROL, /* a control character, or no UTF-8: never in a report or a mount table */
	PATH_DOTDOT,  /* a .. component: what it means depends on links nobody can see yet */
};

/* Absolute, short enough, no control characters; .. is accepted. */
enum path_fault path_check(const char *text);

/* As path_check, and .. is refused; out gets the path without //, /. and a final slash. */
enum path_fault path_clean(const char *text, char out[PATH_TEXT_MAX + 1]);

/* What is wrong and how to mend it. */
const char *path_fault_words(enum path_fault fault);

/* Both clean. Whether path is prefix or below it. */
bool path_below(const char *path, const char *prefix);

/*
 * Never opened to a policy, whatever an allowlist says; the prefix that forbids it, or NULL.
 * Host: kernel file systems. Inside: those, and what the sandbox's own root is made of.
 */
const char *path_denied_host(const char *path);
const char *path_denied_inside(const char *path);

#endif
