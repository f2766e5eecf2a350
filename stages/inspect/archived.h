/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INSPECT_ARCHIVED_H
#define INSPECT_ARCHIVED_H

#include "stages/seal/span.h"

#include <stdbool.h>

struct json_object;

/*
 * What an archive says of the very report that is shown: the record of sr-archive show whose
 * report.sha256 is that of these bytes. A sealed report gains nothing by being archived, so this is
 * beside it, and only as good as the archive (safe-run archive verify).
 */

/*
 * Reads records from fd to its end. *found is the one that is about report; else the last that
 * came, which may say why there is none. The caller's; NULL when nothing came.
 */
struct json_object *archived_read(int fd, struct span report, bool *found);
/* Why, of a record that was not found; NULL when it does not say. Borrowed. */
const char *archived_reason(struct json_object *record);

#endif
