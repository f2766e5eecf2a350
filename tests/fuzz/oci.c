/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image's documents from anywhere, and the names in its archives: never a crash, and what is
 * taken over is what it should be.
 */
#include "stages/unpack/oci.h"
#include "stages/seal/digest.h"
#include "stages/unpack/document.h"
#include "stages/unpack/extract.h"

#include <json-c/json.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void try_manifest(struct json_object *value, struct oci_image *image)
{
	struct fault fault;

	*image = (struct oci_image){.layer_count = 0};
	if (oci_take_manifest(value, image, &fault) != FAULT_NONE)
		return;
	require(image->layer_count <= BOUNDS_LAYERS && digest_text_valid(image->config));
	for (size_t i = 0; i < image->layer_count; i++)
		require(strncmp(image->layers[i].path, "blobs/sha256/", 13) == 0 &&
			strstr(image->layers[i].path, "..") == NULL);
	(void)!oci_take_config(value, image, &fault);
}

static void try_document(const char *text, size_t len, struct oci_image *image)
{
	struct json_object *value, *descriptor;
	char config[OCI_NAME_SIZE];
	struct fault fault;
	int nested = 0;

	if (document_parse(text, len, "input", &value, &fault) != FAULT_NONE)
		return;
	if (oci_choose(value, &descriptor, &nested, &fault) == FAULT_NONE)
		require(descriptor != NULL);
	try_manifest(value, image);
	*image = (struct oci_image){.layer_count = 0};
	if (oci_take_docker(value, image, config, &fault) == FAULT_NONE)
		require(config[0] != '\0' && config[0] != '/');
	json_object_put(value);
}

static void try_name(const char *text, size_t len)
{
	char name[8192], out[BOUNDS_PATH];
	struct fault fault;

	if (len >= sizeof name)
		return;
	memcpy(name, text, len);
	name[len] = '\0';
	if (extract_name(name, out, &fault) == FAULT_NONE)
		require(out[0] != '/' && strncmp(out, "../", 3) != 0 &&
			strstr(out, "/../") == NULL && strcmp(out, "..") != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct oci_image *image = malloc(sizeof *image);

	try_document((const char *)data, len, image);
	try_name((const char *)data, len);
	free(image);
	return 0;
}
