/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATE_INPUT_H
#define VALIDATE_INPUT_H

#include "ipc/buf.h"
#include "ipc/fault.h"
#include "stages/validate/document.h"

#include <stddef.h>

#define INPUT_MAX ((size_t)1 << 20)

/* fd to its end into buf, at most INPUT_MAX bytes; SR-POL-002 when there is more, or no reading. */
enum fault_code input_read(int fd, struct buf *buf, struct fault *fault)
	__attribute__((warn_unused_result));

/* Text to tree: JSON when it starts with {, else YAML. The root of an accepted text is a mapping.
 */
enum fault_code input_parse(const char *data, size_t len, struct document *document,
			    struct fault *fault) __attribute__((warn_unused_result));

#endif
