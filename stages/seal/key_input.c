/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/key_input.h"

#include <errno.h>
#include <unistd.h>

static const char place[] = "key";

static enum fault_code refuse(struct fault *fault, const char *why)
{
	return fault_set(fault, FAULT_REPORT_SIGNATURE, place, "%s", why);
}

/* read(2) to the end or until out is full; -1 with errno. */
static ssize_t read_whole(int fd, char *out, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t got = read(fd, out + len, size - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		len += (size_t)got;
	}
	return (ssize_t)len;
}

enum fault_code key_passphrase_read(int fd, char out[KEY_PASSPHRASE_MAX + 1], struct fault *fault)
{
	size_t len = 0;

	/* One byte at a time: what stands behind the line is somebody else's. */
	for (;; len++) {
		ssize_t got;

		if (len > KEY_PASSPHRASE_MAX)
			return refuse(fault, "the passphrase is longer than 1024 bytes");
		got = read_whole(fd, out + len, 1);
		if (got < 0)
			return fault_set_errno(fault, FAULT_REPORT_SIGNATURE, errno, place,
					       "the passphrase cannot be read");
		if (got == 0 || out[len] == '\n')
			break;
		if (out[len] == '\0')
			return refuse(fault, "a passphrase cannot hold a NUL byte");
	}
	out[len] = '\0';
	return len > 0 ? FAULT_NONE : refuse(fault, "the passphrase is empty");
}

enum fault_code key_file_read(int fd, char out[KEY_FILE_MAX], size_t *len, struct fault *fault)
{
	ssize_t got = read_whole(fd, out, KEY_FILE_MAX);

	if (got < 0)
		return fault_set_errno(fault, FAULT_REPORT_SIGNATURE, errno, place,
				       "the key file cannot be read");
	*len = (size_t)got;
	return *len < KEY_FILE_MAX ? FAULT_NONE : refuse(fault, "too long for a key file");
}
