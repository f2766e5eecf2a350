/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_ARCHIVE_WORDS_H
#define CMD_ARCHIVE_WORDS_H

#include "ipc/fault.h"

#include <stddef.h>

/* How sr-archive's records read to a person: one for each action that answers in records. */
enum archive_words {
	ARCHIVE_WORDS_ADDED,
	ARCHIVE_WORDS_LINE,  /* one line a leaf */
	ARCHIVE_WORDS_WHOLE, /* all of a leaf */
	ARCHIVE_WORDS_PRUNED,
	ARCHIVE_WORDS_INDEXED,
};

/* One record, printed to stdout; a refusal's errors to stderr. */
enum fault_code archive_words_print(enum archive_words words, const char *line, size_t len,
				    struct fault *fault) __attribute__((warn_unused_result));

#endif
