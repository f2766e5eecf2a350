/* SPDX-License-Identifier: Apache-2.0 */
/* A proof of any bytes: examined to the end, and what can be read is written back byte for byte. */
#include "stages/prove/examine.h"

#include "ipc/canon.h"
#include "ipc/object.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct examination *examination = malloc(sizeof(*examination));
	struct json_object *answer OBJECT_CLEANUP = NULL;
	struct buf written BUF_CLEANUP;

	if (examination == NULL)
		abort();
	examine_init(examination);
	examine_proof(examination, (struct span){(const char *)data, len});
	if (examination->readable) {
		buf_init(&written, (size_t)64 << 20);
		proof_write(&examination->proof, &written);
		if (written.len != len || memcmp(written.data, data, len) != 0)
			abort();
	} else {
		buf_init(&written, 1);
	}
	answer = examine_answer(examination);
	if (!json_object_is_type(answer, json_type_object))
		abort();
	free(examination);
	return 0;
}
