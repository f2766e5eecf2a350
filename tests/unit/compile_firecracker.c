/* SPDX-License-Identifier: Apache-2.0 */
/* firecrackerConfig against what Firecracker's published API says a configuration is. */
#include "stages/compile/bundle.h"
#include "stages/seal/digest.h"
#include "tests/support/child.h"
#include "tests/support/schema.h"
#include "tests/support/vectors.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

static struct json_object *load_api(void)
{
	char *path = vectors_path("compile/firecracker-api.json");
	char *text = child_read_file(path, &(size_t){0});
	struct json_object *api;

	cr_assert_not_null(text, "%s", path);
	api = json_tokener_parse(text);
	cr_assert_not_null(api);
	free(text);
	free(path);
	return api;
}

static struct json_object *compile(const struct vector *input)
{
	struct fault fault = {.code = FAULT_NONE};
	struct json_object *bundle;

	cr_assert_eq(bundle_compile(input->data, input->len, &fault, &bundle), FAULT_NONE, "%s: %s",
		     input->name, fault.message);
	return bundle;
}

static const char *text_of(struct json_object *object, const char *name)
{
	return json_object_get_string(json_object_object_get(object, name));
}

/* What the API says in words: one root device, ids that differ, a path for each drive. */
static void expect_drives(const char *name, struct json_object *drives, size_t mount_count)
{
	size_t count = json_object_array_length(drives), roots = 0;

	cr_expect_eq(count, mount_count + 1, "%s", name);
	for (size_t i = 0; i < count; i++) {
		struct json_object *drive = json_object_array_get_idx(drives, i);
		const char *id = text_of(drive, "drive_id");

		roots += json_object_get_boolean(json_object_object_get(drive, "is_root_device"));
		cr_expect_not_null(text_of(drive, "path_on_host"), "%s", name);
		cr_expect_not_null(json_object_object_get(drive, "is_read_only"), "%s", name);
		cr_expect_eq(strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(id));
		for (size_t j = 0; j < i; j++)
			cr_expect_str_neq(
				id, text_of(json_object_array_get_idx(drives, j), "drive_id"));
	}
	cr_expect_eq(roots, 1, "%s", name);
}

static void expect_machine(const char *name, struct json_object *machine)
{
	int64_t count = json_object_get_int64(json_object_object_get(machine, "vcpu_count"));

	cr_expect(count == 1 || count % 2 == 0, "%s: 1 or an even number of vCPUs", name);
}

Test(compile_firecracker, accepts_every_configuration)
{
	struct json_object *api = load_api();
	struct vector_set inputs;

	cr_assert_eq(digest_prewarm(), 0);
	vectors_load("compile/accept", &inputs);
	for (size_t i = 0; i < inputs.count; i++) {
		struct json_object *bundle = compile(&inputs.items[i]);
		struct json_object *config = json_object_object_get(bundle, "firecrackerConfig");
		struct json_object *mounts = json_object_object_get(bundle, "mountPlan");
		char why[128] = "";

		cr_expect(schema_accepts(api, "FullVmConfiguration", config, why, sizeof(why)),
			  "%s: %s", inputs.items[i].name, why);
		expect_drives(inputs.items[i].name, json_object_object_get(config, "drives"),
			      json_object_array_length(mounts));
		expect_machine(inputs.items[i].name,
			       json_object_object_get(config, "machine-config"));
		cr_expect_eq(json_object_object_get_ex(config, "network-interfaces", NULL),
			     json_object_object_get(bundle, "networkPlan") != NULL);
		json_object_put(bundle);
	}
	vectors_release(&inputs);
	json_object_put(api);
}

static const struct {
	const char *config;
	const char *why;
} wrong[] = {
	{"{\"drives\":[]}", "boot-source: missing"},
	{"{\"boot-source\":{\"kernel_image_path\":\"/k\"}}", "drives: missing"},
	{"{\"boot-source\":{},\"drives\":[]}", "kernel_image_path: missing"},
	{"{\"boot-source\":{\"kernel_image_path\":1},\"drives\":[]}",
	 "kernel_image_path: wrong type"},
	{"{\"boot-source\":{\"kernel_image_path\":\"/k\"},\"drives\":[],\"x\":1}",
	 "x: unknown property"},
	{"{\"boot-source\":{\"kernel_image_path\":\"/k\"},\"drives\":[{\"drive_id\":\"a\"}]}",
	 "is_root_device: missing"},
	{"{\"boot-source\":{\"kernel_image_path\":\"/k\"},\"drives\":[],\"machine-config\":"
	 "{\"mem_size_mib\":1,\"vcpu_count\":33}}",
	 "vcpu_count: above the maximum"},
	{"{\"boot-source\":{\"kernel_image_path\":\"/k\"},\"drives\":[],\"machine-config\":"
	 "{\"mem_size_mib\":1,\"vcpu_count\":0}}",
	 "vcpu_count: below the minimum"},
	{"{\"boot-source\":{\"kernel_image_path\":\"/k\"},\"drives\":[],\"vsock\":{\"guest_cid\":2,"
	 "\"uds_path\":\"/v\"}}",
	 "guest_cid: below the minimum"},
	{"{\"boot-source\":{\"kernel_image_path\":\"/k\"},\"drives\":[{\"drive_id\":\"a\","
	 "\"is_root_device\":true,\"cache_type\":\"None\"}]}",
	 "cache_type: not one of the values"},
};

/* The table and its reader can refuse: else the test above would show nothing. */
Test(compile_firecracker, the_table_refuses_what_the_api_refuses)
{
	struct json_object *api = load_api();

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct json_object *config = json_tokener_parse(wrong[i].config);
		char why[128] = "";

		cr_expect_not(schema_accepts(api, "FullVmConfiguration", config, why, sizeof(why)));
		cr_expect_str_eq(why, wrong[i].why);
		json_object_put(config);
	}
	json_object_put(api);
}
