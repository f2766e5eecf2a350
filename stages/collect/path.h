/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECT_PATH_H
#define COLLECT_PATH_H

#include <stdbool.h>

/*
 * Whether path leads below a directory and nowhere else: names of at most 255 bytes with a slash
 * between each two, none of them "." or ".."; or "." alone, which is the directory.
 */
bool path_leads_down(const char *path);

#endif
