/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNPACK_OCI_H
#define UNPACK_OCI_H

#include "ipc/fault.h"
#include "stages/seal/digest.h"
#include "stages/unpack/bounds.h"
#include "stages/unpack/layer.h"

#include <stddef.h>

/*
 * What an image is made of, from its own documents: an OCI image layout (image-spec v1.1:
 * image-layout.md, image-index.md, manifest.md, config.md), or what docker save wrote before it
 * wrote layouts (manifest.json). The one image for linux on amd64 is taken; more than one, or one
 * for something else, is refused. Only sha256 digests; foreign layers, which lie elsewhere, are
 * refused.
 *
 * Of the configuration nothing is used but the layers' diff ids: Env, Entrypoint, Cmd, User,
 * WorkingDir are the policy's to say.
 */
#define OCI_NAME_SIZE 256

struct oci_layer {
	char path[OCI_NAME_SIZE];	/* below the layout */
	char digest[DIGEST_TEXT_SIZE];	/* of the file; "" when no document says it */
	char diff_id[DIGEST_TEXT_SIZE]; /* of the archive in it */
	long long size;			/* of the file; -1 as with digest */
	enum layer_compression compression;
};

struct oci_image {
	char digest[DIGEST_TEXT_SIZE]; /* of the manifest; of the configuration for docker save's */
	char config[DIGEST_TEXT_SIZE]; /* read from the documents, then found to be right */
	struct oci_layer layers[BOUNDS_LAYERS];
	size_t layer_count;
};

/* A layout: oci-layout, index.json, blobs/. layout_fd is borrowed. */
enum fault_code oci_read_layout(int layout_fd, struct oci_image *image, struct fault *fault)
	__attribute__((warn_unused_result));

/* manifest.json and what it names. */
enum fault_code oci_read_docker(int layout_fd, struct oci_image *image, struct fault *fault)
	__attribute__((warn_unused_result));

/* --- for the fuzzer and the tests, and among the files oci*.c --- */

struct json_object;

/* A document of at most DOCUMENT_MAX bytes; its hash must be digest, unless that is "". */
enum fault_code oci_read_document(int layout_fd, const char *path, const char *digest,
				  struct json_object **value, struct fault *fault)
	__attribute__((warn_unused_result));

/* "blobs/sha256/<hex>" for "sha256:<hex>". */
enum fault_code oci_blob_path(const char *digest, char path[OCI_NAME_SIZE], struct fault *fault)
	__attribute__((warn_unused_result));

/* The one manifest of an index that is ours to run; *nested: it is an index itself. */
enum fault_code oci_choose(struct json_object *index, struct json_object **descriptor, int *nested,
			   struct fault *fault) __attribute__((warn_unused_result));

/* config and layers of a manifest. */
enum fault_code oci_take_manifest(struct json_object *manifest, struct oci_image *image,
				  struct fault *fault) __attribute__((warn_unused_result));

/* The diff ids, one for each layer, and that it is for this machine. */
enum fault_code oci_take_config(struct json_object *config, struct oci_image *image,
				struct fault *fault) __attribute__((warn_unused_result));

/* The one image of a manifest.json. */
enum fault_code oci_take_docker(struct json_object *list, struct oci_image *image,
				char config_path[OCI_NAME_SIZE], struct fault *fault)
	__attribute__((warn_unused_result));

#endif
