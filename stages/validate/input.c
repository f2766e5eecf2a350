/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/input.h"

#include "stages/validate/json.h"
#include "stages/validate/scalar.h"
#include "stages/validate/text.h"
#include "stages/validate/yaml.h"

#include <errno.h>
#include <unistd.h>

#define FIELD "validate.policy"

enum fault_code input_read(int fd, struct buf *buf, struct fault *fault)
{
	char bytes[16384];

	/* One byte of room beyond the cap tells "exactly full" from "more". */
	buf_init(buf, INPUT_MAX + 1);
	while (buf->len <= INPUT_MAX && !buf->overflowed) {
		size_t room = INPUT_MAX + 1 - buf->len;
		ssize_t got = read(fd, bytes, room < sizeof(bytes) ? room : sizeof(bytes));

		if (got == 0)
			return FAULT_NONE;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fault_set_errno(fault, FAULT_POLICY_FORMAT, errno, FIELD,
					       "cannot read the policy from standard input");
		buf_append(buf, bytes, (size_t)got);
	}
	return fault_set(fault, FAULT_POLICY_FORMAT, FIELD,
			 "longer than 1 MiB (%zu bytes); no policy is, shorten it", INPUT_MAX);
}

enum fault_code input_parse(const char *data, size_t len, struct document *document,
			    struct fault *fault)
{
	enum fault_code code = text_check(data, len, fault);

	document->root = NULL;
	if (code == FAULT_NONE)
		code = text_is_json(data, len) ? json_read(data, len, document, fault)
					       : yaml_read(data, len, document, fault);
	if (code != FAULT_NONE)
		return code;
	if (document->root == NULL || scalar_null(document->root))
		return fault_set(fault, FAULT_POLICY_FORMAT, FIELD,
				 "line 1, column 1: this is empty; "
				 "safe-run-policy(5) says what belongs here");
	if (document->root->kind != NODE_MAPPING)
		return fault_set(fault, FAULT_POLICY_FORMAT, FIELD,
				 "line %u, column %u: a policy is a mapping (name: value), "
				 "this is %s",
				 document->root->mark.line, document->root->mark.column,
				 document->root->kind == NODE_LIST ? "a list" : "a single value");
	return FAULT_NONE;
}
