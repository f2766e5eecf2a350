/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/unpack/apply.h"

#include "stages/unpack/below.h"
#include "stages/unpack/extract.h"
#include "stages/unpack/oci.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE FAULT_RUN_LAUNCH
#define PATH "launch.root.unpack"

static enum fault_code check_layer(const struct oci_layer *layer, const char *what,
				   const struct layer_result *result, struct fault *fault)
{
	if (layer->digest[0] != '\0' && strcmp(result->file, layer->digest) != 0)
		return fault_set(fault, CODE, PATH, "%s is not what its digest says", what);
	if (layer->size >= 0 && result->file_bytes != (uint64_t)layer->size)
		return fault_set(fault, CODE, PATH, "%s is not of the size the manifest says",
				 what);
	if (strcmp(result->content, layer->diff_id) != 0)
		return fault_set(fault, CODE, PATH, "%s does not unpack to what its diff id says",
				 what);
	return FAULT_NONE;
}

static enum fault_code read_layer(int fd, const struct oci_layer *layer, const char *what,
				  struct extract *extract, layer_entry_fn *entry,
				  struct fault *fault)
{
	const struct layer reading = {
		.what = what,
		.fd = fd,
		.compression = layer->compression,
		.bytes_max = extract->bounds->bytes - extract->tally->content,
	};
	struct layer_result result;
	enum fault_code code;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "%s", what);
	code = layer_read(&reading, entry, extract, &result, fault);
	if (code != FAULT_NONE)
		return code;
	extract->tally->content += result.content_bytes;
	return check_layer(layer, what, &result, fault);
}

static enum fault_code apply_layer(int layout_fd, const struct oci_layer *layer, const char *what,
				   struct extract *extract, struct fault *fault)
{
	struct tally ignored = *extract->tally;
	struct extract whiteouts = *extract;
	int fd = below_open_file(layout_fd, layer->path);
	enum fault_code code;

	if (fd < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "%s (%.128s)", what, layer->path);
	whiteouts.tally = &ignored;
	code = read_layer(fd, layer, what, &whiteouts, extract_whiteout, fault);
	if (code == FAULT_NONE)
		code = read_layer(fd, layer, what, extract, extract_entry, fault);
	(void)close(fd);
	return code;
}

static enum fault_code make_directory(int work_fd, const char *name, mode_t mode, int *fd,
				      struct fault *fault)
{
	*fd = -1;
	if (mkdirat(work_fd, name, 0700) == 0 && fchmodat(work_fd, name, mode, 0) == 0)
		*fd = below_open_directory(work_fd, name);
	return *fd >= 0 ? FAULT_NONE
			: fault_set_errno(fault, CODE, errno, PATH, "cannot make %s to unpack into",
					  name);
}

enum fault_code apply_image(int layout_fd, int work_fd, const struct oci_image *image,
			    const struct bounds *bounds, struct tally *tally, struct fault *fault)
{
	struct extract extract = {.spare_fd = work_fd, .bounds = bounds, .tally = tally};
	enum fault_code code = make_directory(work_fd, "root", 0755, &extract.root_fd, fault);

	if (code != FAULT_NONE)
		return code;
	for (size_t i = 0; code == FAULT_NONE && i < image->layer_count; i++) {
		char what[48];

		(void)snprintf(what, sizeof what, "layer %zu of the image", i + 1);
		code = apply_layer(layout_fd, &image->layers[i], what, &extract, fault);
	}
	(void)close(extract.root_fd);
	return code;
}

enum fault_code apply_archive(int file_fd, int work_fd, const struct bounds *bounds,
			      int *archive_fd, char key[DIGEST_TEXT_SIZE], struct fault *fault)
{
	struct tally tally = {0};
	struct extract extract = {
		.spare_fd = work_fd, .plain = true, .bounds = bounds, .tally = &tally};
	const struct layer reading = {
		.what = "the archive",
		.fd = file_fd,
		.compression = LAYER_ANY,
		.bytes_max = bounds->bytes,
	};
	struct layer_result result;
	enum fault_code code = make_directory(work_fd, "archive", 0700, &extract.root_fd, fault);

	*archive_fd = extract.root_fd;
	if (code == FAULT_NONE && lseek(file_fd, 0, SEEK_SET) < 0)
		code = fault_set_errno(fault, CODE, errno, PATH, "the archive");
	if (code == FAULT_NONE)
		code = layer_read(&reading, extract_entry, &extract, &result, fault);
	if (code == FAULT_NONE)
		memcpy(key, result.file, DIGEST_TEXT_SIZE);
	return code;
}
