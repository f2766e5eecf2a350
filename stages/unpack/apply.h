/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNPACK_APPLY_H
#define UNPACK_APPLY_H

#include "ipc/fault.h"
#include "stages/seal/digest.h"
#include "stages/unpack/bounds.h"

struct oci_image;

/*
 * An image's layers, one above the other, into work_fd/root. Each is read once to check its size,
 * digest and diff id, and to apply its whiteouts; only then, and from the same file, are its
 * entries made. Both digests are checked again at the end of that.
 */
enum fault_code apply_image(int layout_fd, int work_fd, const struct oci_image *image,
			    const struct bounds *bounds, struct tally *tally, struct fault *fault)
	__attribute__((warn_unused_result));

/* An archive of blobs into work_fd/archive; *archive_fd is the caller's, key the file's hash. */
enum fault_code apply_archive(int file_fd, int work_fd, const struct bounds *bounds,
			      int *archive_fd, char key[DIGEST_TEXT_SIZE], struct fault *fault)
	__attribute__((warn_unused_result));

#endif
