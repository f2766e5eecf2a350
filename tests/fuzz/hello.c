/* SPDX-License-Identifier: Apache-2.0 */
/* ClientHellos from anywhere: never a crash; the answer does not depend on how they arrive. */
#include "stages/egress/hello.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct hello whole, part;
	const enum hello_status status = hello_read(data, len, &whole);
	enum hello_status early = HELLO_MORE;

	if (len > HELLO_MAX)
		return 0;
	if (status == HELLO_DONE && (whole.name[0] == '\0' || whole.wire_len > len))
		abort();
	/* Byte by byte, as long as more is asked for. */
	for (size_t i = 1; i <= len && early == HELLO_MORE && len < 1024; i++)
		early = hello_read(data, i, &part);
	if (len > 0 && len < 1024 &&
	    (early != status || (status == HELLO_DONE && strcmp(part.name, whole.name) != 0)))
		abort();
	(void)!hello_second(data, len, "a.example", &part);
	return 0;
}
