/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/buf.h"
#include "stages/unpack/below.h"
#include "stages/unpack/document.h"
#include "stages/unpack/oci.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CODE	   FAULT_RUN_LAUNCH
#define PATH	   "launch.root.unpack"
#define NESTED_MAX 4

/* All of it; a file longer than a document may be is read to one byte more. */
static ssize_t read_whole(int fd, char *text)
{
	size_t len = 0;

	while (len <= DOCUMENT_MAX) {
		ssize_t got = read(fd, text + len, DOCUMENT_MAX + 1 - len);

		if (got < 0)
			return -1;
		if (got == 0)
			break;
		len += (size_t)got;
	}
	return (ssize_t)len;
}

static enum fault_code check_digest(const char *text, size_t len, const char *path,
				    const char *digest, struct fault *fault)
{
	char found[DIGEST_TEXT_SIZE];
	uint8_t value[DIGEST_SIZE];

	if (digest[0] == '\0')
		return FAULT_NONE;
	digest_bytes(text, len, value);
	digest_text(value, found);
	return strcmp(found, digest) == 0
		       ? FAULT_NONE
		       : fault_set(fault, CODE, PATH, "%s is not what its digest says", path);
}

enum fault_code oci_read_document(int layout_fd, const char *path, const char *digest,
				  struct json_object **value, struct fault *fault)
{
	int fd = below_open_file(layout_fd, path);
	char *text = malloc(DOCUMENT_MAX + 1);
	enum fault_code code = FAULT_NONE;
	ssize_t len = 0;

	*value = NULL;
	if (text == NULL)
		buf_no_memory();
	if (fd < 0 || (len = read_whole(fd, text)) < 0)
		code = fault_set_errno(fault, CODE, errno, PATH, "%s of the image", path);
	if (code == FAULT_NONE)
		code = check_digest(text, (size_t)len, path, digest, fault);
	if (code == FAULT_NONE)
		code = document_parse(text, (size_t)len, path, value, fault);
	free(text);
	if (fd >= 0)
		(void)close(fd);
	return code;
}

static enum fault_code read_blob(int layout_fd, const char *digest, struct json_object **value,
				 struct fault *fault)
{
	char path[OCI_NAME_SIZE];
	enum fault_code code = oci_blob_path(digest, path, fault);

	return code == FAULT_NONE ? oci_read_document(layout_fd, path, digest, value, fault) : code;
}

/* From index to index, until one names the manifest. */
static enum fault_code find_manifest(int layout_fd, struct oci_image *image, struct fault *fault)
{
	struct json_object *index = NULL, *descriptor = NULL;
	int nested = 1;
	enum fault_code code = oci_read_document(layout_fd, "index.json", "", &index, fault);

	for (int depth = 0; code == FAULT_NONE && nested != 0; depth++) {
		const char *digest;

		code = depth < NESTED_MAX
			       ? oci_choose(index, &descriptor, &nested, fault)
			       : fault_set(fault, CODE, PATH, "the indexes go round in circles");
		if (code != FAULT_NONE)
			break;
		digest = document_text(descriptor, "digest");
		if (!digest_text_valid(digest)) {
			code = fault_set(fault, CODE, PATH,
					 "the index names a manifest by no sha256");
			break;
		}
		memcpy(image->digest, digest, DIGEST_TEXT_SIZE);
		json_object_put(index);
		index = NULL;
		if (nested != 0)
			code = read_blob(layout_fd, image->digest, &index, fault);
	}
	json_object_put(index);
	return code;
}

enum fault_code oci_read_layout(int layout_fd, struct oci_image *image, struct fault *fault)
{
	struct json_object *mark = NULL, *manifest = NULL, *config = NULL;
	enum fault_code code = oci_read_document(layout_fd, "oci-layout", "", &mark, fault);

	*image = (struct oci_image){.layer_count = 0};
	if (code == FAULT_NONE && strcmp(document_text(mark, "imageLayoutVersion"), "1.0.0") != 0)
		code = fault_set(fault, CODE, PATH, "the image layout is not of version 1.0.0");
	if (code == FAULT_NONE)
		code = find_manifest(layout_fd, image, fault);
	if (code == FAULT_NONE)
		code = read_blob(layout_fd, image->digest, &manifest, fault);
	if (code == FAULT_NONE)
		code = oci_take_manifest(manifest, image, fault);
	if (code == FAULT_NONE)
		code = read_blob(layout_fd, image->config, &config, fault);
	if (code == FAULT_NONE)
		code = oci_take_config(config, image, fault);
	json_object_put(mark);
	json_object_put(manifest);
	json_object_put(config);
	return code;
}

/* No digest covers the configuration; the archive's own hash does. Layers are held to it. */
enum fault_code oci_read_docker(int layout_fd, struct oci_image *image, struct fault *fault)
{
	struct json_object *list = NULL, *config = NULL;
	char path[OCI_NAME_SIZE];
	enum fault_code code = oci_read_document(layout_fd, "manifest.json", "", &list, fault);

	*image = (struct oci_image){.layer_count = 0};
	if (code == FAULT_NONE)
		code = oci_take_docker(list, image, path, fault);
	if (code == FAULT_NONE)
		code = oci_read_document(layout_fd, path, "", &config, fault);
	if (code == FAULT_NONE)
		code = oci_take_config(config, image, fault);
	json_object_put(list);
	json_object_put(config);
	return code;
}
