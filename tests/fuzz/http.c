/* SPDX-License-Identifier: Apache-2.0 */
/* Requests from anywhere: never a crash; where a body ends does not depend on how it arrives. */
#include "stages/egress/http.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void try_body(const struct http_head *head, const char *body, size_t len)
{
	struct http_stream whole, pieces;
	enum http_status status, last = HTTP_MORE;
	size_t used, total = 0, step;

	http_stream_begin(&whole, head);
	http_stream_begin(&pieces, head);
	status = http_stream_pass(&whole, body, len, &used);
	if (used > len)
		abort();
	while (total < len && last == HTTP_MORE) {
		last = http_stream_pass(&pieces, body + total, 1, &step);
		total += step;
	}
	if (len > 0 && (last != status || (status != HTTP_REFUSED && total != used)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct http_head head;

	if (http_head_read((const char *)data, len, 80, &head) != HTTP_DONE)
		return 0;
	if (head.len > len || head.len > HTTP_HEAD_MAX || head.name[0] == '\0')
		abort();
	if (head.body == HTTP_BODY_LENGTH && head.body_len == 0)
		abort();
	try_body(&head, (const char *)data + head.len, len - head.len);
	return 0;
}
