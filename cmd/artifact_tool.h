/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_ARTIFACT_TOOL_H
#define CMD_ARTIFACT_TOOL_H

#include "ipc/fault.h"

#include <stddef.h>

/*
 * Programs of the host's that `artifact build` needs: dpkg-deb, apt-get, depmod, debootstrap,
 * mkfs.erofs, tar-free removal. They run as the caller, found in the system's directories alone, in
 * the C locale, with nothing on stdin and what they print on our standard error. Never through a
 * shell.
 */

/* argv is NULL-terminated; directory NULL: where we are. A missing program is FAULT_HOST_LACKS and
 * names package. */
enum fault_code artifact_tool(const char *const *argv, const char *directory, const char *package,
			      struct fault *fault) __attribute__((warn_unused_result));

/* The same, its output in out, NUL-terminated; more than size - 1 bytes are a fault. */
enum fault_code artifact_tool_read(const char *const *argv, const char *package, char *out,
				   size_t size, struct fault *fault)
	__attribute__((warn_unused_result));

/* One line on standard error about a step that takes its time. */
void artifact_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
