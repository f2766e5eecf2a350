/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATE_YAML_H
#define VALIDATE_YAML_H

#include "ipc/fault.h"
#include "stages/validate/document.h"

#include <stddef.h>

/*
 * One YAML 1.1 document into a tree, through libyaml's events. A subset: no anchors, aliases,
 * tags, directives, merge keys, second document or tabs as indentation. The text has passed
 * text_check. The fault is SR-POL-002 with line and column.
 */
enum fault_code yaml_read(const char *data, size_t len, struct document *document,
			  struct fault *fault) __attribute__((warn_unused_result));

#endif
