/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_BROWSER_H
#define SUPPORT_BROWSER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A headless Chromium, spoken to by the DevTools protocol over two pipes (--remote-debugging-pipe:
 * it reads 3 and writes 4, messages end in NUL). It has a profile of its own that goes with it, and
 * no way to a network. Every function ends the test when the browser does not do as asked.
 */
struct browser;

struct browser_view {
	unsigned width, height;
	bool dark;
	bool mobile;
};

/* NULL when there is no Chromium here. */
struct browser *browser_open(void);
void browser_close(struct browser *browser);

/* Load a file and wait until it is done. */
void browser_show(struct browser *browser, const char *path, const struct browser_view *view);
/* What an expression comes to, as text; the caller frees it. */
char *browser_ask(struct browser *browser, const char *expression);
/* Messages on the console and uncaught errors since it was opened; requests for anything but a
 * page that was shown. */
size_t browser_complaints(const struct browser *browser);
size_t browser_requests(const struct browser *browser);

#endif
