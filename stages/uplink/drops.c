/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/uplink/drops.h"

#include "ipc/object.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *text_of(struct json_object *object, const char *name)
{
	struct json_object *value = NULL;

	(void)json_object_object_get_ex(object, name, &value);
	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

static bool drops(struct json_object *chain)
{
	const char *family = text_of(chain, "family");

	return strcmp(text_of(chain, "hook"), "forward") == 0 &&
	       strcmp(text_of(chain, "policy"), "drop") == 0 &&
	       (strcmp(family, "ip") == 0 || strcmp(family, "inet") == 0);
}

enum fault_code drops_find(struct nft *nft, struct json_object **out, struct fault *fault)
{
	struct json_object *listing OBJECT_CLEANUP = NULL;
	struct json_object *entries = NULL, *chain = NULL;
	size_t count;

	*out = array_new();
	if (nft_list_chains(nft, &listing, fault) != FAULT_NONE)
		return fault->code;
	if (!json_object_object_get_ex(listing, "nftables", &entries) ||
	    !json_object_is_type(entries, json_type_array))
		return fault_set(fault, FAULT_RUN_NETWORK, "nftables",
				 "the host's chains cannot be read");
	count = json_object_array_length(entries);
	for (size_t i = 0; i < count && json_object_array_length(*out) < DROPS_MAX; i++) {
		char text[512];

		if (!json_object_object_get_ex(json_object_array_get_idx(entries, i), "chain",
					       &chain) ||
		    !drops(chain))
			continue;
		(void)snprintf(text, sizeof text, "%s %s %s", text_of(chain, "family"),
			       text_of(chain, "table"), text_of(chain, "name"));
		array_append_string(*out, text);
	}
	return FAULT_NONE;
}
