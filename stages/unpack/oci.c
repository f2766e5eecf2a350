/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/unpack/oci.h"

#include "ipc/object.h"
#include "stages/unpack/document.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define CODE FAULT_RUN_LAUNCH
#define PATH "launch.root.unpack"

static enum fault_code refuse(struct fault *fault, const char *what)
{
	return fault_set(fault, CODE, PATH, "%s", what);
}

static bool copy_digest(const char *text, char out[DIGEST_TEXT_SIZE])
{
	if (!digest_text_valid(text))
		return false;
	(void)snprintf(out, DIGEST_TEXT_SIZE, "%s", text);
	return true;
}

enum fault_code oci_blob_path(const char *digest, char path[OCI_NAME_SIZE], struct fault *fault)
{
	if (!digest_text_valid(digest))
		return fault_set(fault, CODE, PATH,
				 "the image names something by \"%.128s\": only sha256 digests are "
				 "understood",
				 digest);
	(void)snprintf(path, OCI_NAME_SIZE, "blobs/sha256/%s", digest + strlen("sha256:"));
	return FAULT_NONE;
}

static bool is_one_of(const char *text, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(text, names[i]) == 0)
			return true;
	return false;
}

/* Without a platform it is for whoever finds it alone; its configuration says more. */
static bool is_for_us(struct json_object *descriptor)
{
	struct json_object *platform = object_member(descriptor, "platform");

	return platform == NULL || (strcmp(document_text(platform, "os"), "linux") == 0 &&
				    strcmp(document_text(platform, "architecture"), "amd64") == 0);
}

enum fault_code oci_choose(struct json_object *index, struct json_object **descriptor, int *nested,
			   struct fault *fault)
{
	static const char *const manifests[] = {
		"application/vnd.oci.image.manifest.v1+json",
		"application/vnd.docker.distribution.manifest.v2+json"};
	static const char *const indexes[] = {
		"application/vnd.oci.image.index.v1+json",
		"application/vnd.docker.distribution.manifest.list.v2+json"};
	struct json_object *list = document_array(index, "manifests");
	size_t count = list != NULL ? json_object_array_length(list) : 0;

	*descriptor = NULL;
	if (document_number(index, "schemaVersion") != 2)
		return refuse(fault, "the image's index is not of schemaVersion 2");
	for (size_t i = 0; i < count; i++) {
		struct json_object *item = json_object_array_get_idx(list, i);
		const char *type = document_text(item, "mediaType");
		bool is_index = is_one_of(type, indexes, sizeof indexes / sizeof indexes[0]);

		if ((!is_index &&
		     !is_one_of(type, manifests, sizeof manifests / sizeof manifests[0])) ||
		    !is_for_us(item))
			continue;
		if (*descriptor != NULL)
			return refuse(fault,
				      "the index has more than one image for linux on amd64: "
				      "make a layout with the one that is meant");
		*descriptor = item;
		*nested = is_index;
	}
	return *descriptor != NULL ? FAULT_NONE
				   : refuse(fault, "the index has no image for linux on amd64");
}

static enum fault_code take_layer(struct json_object *descriptor, struct oci_layer *layer,
				  struct fault *fault)
{
	static const struct {
		const char *type;
		enum layer_compression compression;
	} types[] = {
		{"application/vnd.oci.image.layer.v1.tar", LAYER_PLAIN},
		{"application/vnd.oci.image.layer.v1.tar+gzip", LAYER_GZIP},
		{"application/vnd.oci.image.layer.v1.tar+zstd", LAYER_ZSTD},
		{"application/vnd.docker.image.rootfs.diff.tar", LAYER_PLAIN},
		{"application/vnd.docker.image.rootfs.diff.tar.gzip", LAYER_GZIP},
		{"application/vnd.docker.image.rootfs.diff.tar.zstd", LAYER_ZSTD},
	};
	const char *type = document_text(descriptor, "mediaType");

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		if (strcmp(type, types[i].type) != 0)
			continue;
		layer->compression = types[i].compression;
		layer->size = document_number(descriptor, "size");
		if (!copy_digest(document_text(descriptor, "digest"), layer->digest) ||
		    layer->size < 0)
			return refuse(fault, "a layer has no sha256 digest or no size");
		return oci_blob_path(layer->digest, layer->path, fault);
	}
	return fault_set(fault, CODE, PATH,
			 "a layer is of the type \"%.128s\", which is not unpacked", type);
}

static enum fault_code count_layers(struct json_object *list, struct oci_image *image,
				    struct fault *fault)
{
	if (list == NULL || json_object_array_length(list) > BOUNDS_LAYERS)
		return fault_set(fault, CODE, PATH,
				 "the image has no list of layers, or more than %d", BOUNDS_LAYERS);
	image->layer_count = json_object_array_length(list);
	return FAULT_NONE;
}

enum fault_code oci_take_manifest(struct json_object *manifest, struct oci_image *image,
				  struct fault *fault)
{
	struct json_object *list = document_array(manifest, "layers");
	enum fault_code code = count_layers(list, image, fault);

	if (code == FAULT_NONE && document_number(manifest, "schemaVersion") != 2)
		return refuse(fault, "the image's manifest is not of schemaVersion 2");
	if (code == FAULT_NONE &&
	    !copy_digest(document_text(object_member(manifest, "config"), "digest"), image->config))
		return refuse(fault, "the image's manifest names no configuration by sha256");
	for (size_t i = 0; code == FAULT_NONE && i < image->layer_count; i++)
		code = take_layer(json_object_array_get_idx(list, i), &image->layers[i], fault);
	return code;
}

enum fault_code oci_take_config(struct json_object *config, struct oci_image *image,
				struct fault *fault)
{
	struct json_object *rootfs = object_member(config, "rootfs");
	struct json_object *list = document_array(rootfs, "diff_ids");

	if (strcmp(document_text(config, "os"), "linux") != 0 ||
	    strcmp(document_text(config, "architecture"), "amd64") != 0)
		return refuse(fault, "the image is not for linux on amd64");
	if (strcmp(document_text(rootfs, "type"), "layers") != 0 || list == NULL ||
	    json_object_array_length(list) != image->layer_count)
		return refuse(fault,
			      "the image's configuration does not name each layer's content");
	for (size_t i = 0; i < image->layer_count; i++) {
		struct json_object *item = json_object_array_get_idx(list, i);

		if (!json_object_is_type(item, json_type_string) ||
		    !copy_digest(json_object_get_string(item), image->layers[i].diff_id))
			return refuse(fault, "the image's configuration has a diff id that is no "
					     "sha256");
	}
	return FAULT_NONE;
}

/* A path in the archive: no way out of it, whatever opens it checks again. */
static bool copy_path(struct json_object *value, char out[OCI_NAME_SIZE])
{
	const char *text;

	if (!json_object_is_type(value, json_type_string))
		return false;
	text = json_object_get_string(value);
	if (text[0] == '\0' || text[0] == '/' || strlen(text) >= OCI_NAME_SIZE ||
	    strlen(text) != (size_t)json_object_get_string_len(value))
		return false;
	(void)snprintf(out, OCI_NAME_SIZE, "%s", text);
	return true;
}

enum fault_code oci_take_docker(struct json_object *list, struct oci_image *image,
				char config_path[OCI_NAME_SIZE], struct fault *fault)
{
	struct json_object *only, *layers;
	enum fault_code code;

	if (!json_object_is_type(list, json_type_array) || json_object_array_length(list) != 1)
		return refuse(fault,
			      "the archive has no image, or more than one: save the one that "
			      "is meant");
	only = json_object_array_get_idx(list, 0);
	if (!copy_path(object_member(only, "Config"), config_path))
		return refuse(fault, "manifest.json names no configuration");
	layers = document_array(only, "Layers");
	code = count_layers(layers, image, fault);
	for (size_t i = 0; code == FAULT_NONE && i < image->layer_count; i++) {
		struct oci_layer *layer = &image->layers[i];

		*layer = (struct oci_layer){.size = -1, .compression = LAYER_ANY};
		if (!copy_path(json_object_array_get_idx(layers, i), layer->path))
			code = refuse(fault, "manifest.json names a layer that cannot be a file");
	}
	return code;
}
