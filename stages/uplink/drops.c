/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/uplink/drops.h"

#include "ipc/object.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool drops(struct json_object *chain)
{
	const char *family = object_text(chain, "family");

	return strcmp(object_text(chain, "hook"), "forward") == 0 &&
	       strcmp(object_text(chain, "policy"), "drop") == 0 &&
	       (strcmp(family, "ip") == 0 || strcmp(family, "inet") == 0);
}

/* A table's name is whatever its maker wrote; a record takes no bytes that are no text. */
static void append_name(struct json_object *names, struct json_object *chain)
{
	char text[512];

	(void)snprintf(text, sizeof text, "%s %s %s", object_text(chain, "family"),
		       object_text(chain, "table"), object_text(chain, "name"));
	for (char *at = text; *at != '\0'; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	array_append_string(names, text);
}

struct json_object *drops_find(struct nft *nft)
{
	struct json_object *listing OBJECT_CLEANUP = NULL;
	struct json_object *entries, *names;
	struct fault ignored; /* it is told as not known */

	if (nft_list_chains(nft, &listing, &ignored) != FAULT_NONE)
		return NULL;
	entries = object_member(listing, "nftables");
	if (!json_object_is_type(entries, json_type_array))
		return NULL;
	names = array_new();
	for (size_t i = 0; i < array_length(entries) && array_length(names) < DROPS_MAX; i++) {
		struct json_object *chain =
			object_member(json_object_array_get_idx(entries, i), "chain");

		if (drops(chain))
			append_name(names, chain);
	}
	return names;
}
