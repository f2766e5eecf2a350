/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/archive/archive_key_file.h"

#include "stages/archive/archive_key.h"
#include "stages/archive/file.h"

enum fault_code archive_key_file_load(int fd, struct key_public *key, struct fault *fault)
{
	struct buf text BUF_CLEANUP;

	*key = (struct key_public){.algorithm = KEY_ALGORITHM_COUNT};
	buf_init(&text, KEY_FILE_MAX + 1);
	if (file_read(fd, "archive.key", &text, fault) != FAULT_NONE)
		return fault->code;
	if (key_public_read(text.data, text.len, key, fault) != FAULT_NONE)
		return fault->code;
	return archive_key_check(key, fault);
}
