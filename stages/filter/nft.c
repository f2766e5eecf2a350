/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/filter/nft.h"

#include "ipc/object.h"

#include <errno.h>
#include <json-c/json.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <string.h>

#define CODE FAULT_RUN_NETWORK
#define PATH "nftables"

/* Protocols as numbers: their names are in a file no filter lets it open. */
#define FLAGS (NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_NUMERIC_PROTO)

enum fault_code nft_open(struct nft *nft, struct fault *fault)
{
	nft->context = nft_ctx_new(NFT_CTX_DEFAULT);
	if (nft->context == NULL)
		return fault_set_errno(fault, CODE, errno, PATH, "libnftables does not start");
	nft_ctx_output_set_flags(nft->context, FLAGS);
	if (nft_ctx_buffer_output(nft->context) != 0 || nft_ctx_buffer_error(nft->context) != 0)
		return fault_set(fault, CODE, PATH, "libnftables keeps no answers");
	/* Its JSON library draws a seed when it is used first, which no filter allows later. */
	if (nft_run_cmd_from_buffer(nft->context,
				    "{\"nftables\":[{\"list\":{\"tables\":null}}]}") != 0)
		return fault_set(fault, CODE, PATH,
				 "the kernel has no nftables: it needs "
				 "CONFIG_NF_TABLES. libnftables says: %.300s",
				 nft_ctx_get_error_buffer(nft->context));
	(void)nft_ctx_get_output_buffer(nft->context);
	return FAULT_NONE;
}

void nft_close(struct nft *nft)
{
	if (nft->context != NULL)
		nft_ctx_free(nft->context);
	nft->context = NULL;
}

static enum fault_code run(struct nft *nft, struct json_object *commands, const char **answer,
			   struct fault *fault)
{
	struct json_object *input OBJECT_CLEANUP = object_new();
	const char *error;
	int result;

	object_add_shared(input, "nftables", commands);
	result = nft_run_cmd_from_buffer(
		nft->context, json_object_to_json_string_ext(input, JSON_C_TO_STRING_PLAIN));
	/* Both buffers begin anew once they are asked for. */
	*answer = nft_ctx_get_output_buffer(nft->context);
	error = nft_ctx_get_error_buffer(nft->context);
	if (result == 0)
		return FAULT_NONE;
	return fault_set(fault, CODE, PATH,
			 "the kernel does not take the rules: it needs CONFIG_NF_TABLES_INET, "
			 "CONFIG_NFT_CT, CONFIG_NFT_FIB_INET, CONFIG_NFT_REJECT_INET, "
			 "CONFIG_NFT_NAT and CONFIG_NFT_REDIR, for a machine CONFIG_NFT_MASQ and "
			 "CONFIG_NF_TABLES_NETDEV too. libnftables says: %.300s",
			 error != NULL ? error : "");
}

enum fault_code nft_apply(struct nft *nft, struct json_object *commands, struct fault *fault)
{
	const char *answer;

	return run(nft, commands, &answer, fault);
}

/* The table as text: the JSON of libnftables 1.0 knows neither its flags nor a chain's device. */
static int list_text(struct nft *nft, const char *family, const char *name, const char **answer)
{
	char command[128];
	int result;

	nft_ctx_output_set_flags(nft->context, NFT_CTX_OUTPUT_NUMERIC_PROTO);
	(void)snprintf(command, sizeof command, "list table %s %s", family, name);
	result = nft_run_cmd_from_buffer(nft->context, command);
	*answer = nft_ctx_get_output_buffer(nft->context);
	nft_ctx_output_set_flags(nft->context, FLAGS);
	return result;
}

enum fault_code nft_check_device(struct nft *nft, const char *family, const char *table,
				 const char *device, struct fault *fault)
{
	const char *answer = NULL;
	char quoted[64];

	(void)snprintf(quoted, sizeof quoted, "\"%s\"", device);
	if (list_text(nft, family, table, &answer) == 0 && answer != NULL &&
	    strstr(answer, quoted) != NULL)
		return FAULT_NONE;
	return fault_set(fault, CODE, PATH, "the table %s %s is not on %s", family, table, device);
}

enum fault_code nft_own(struct nft *nft, const char *family, const char *name, struct fault *fault)
{
	char command[128];
	const char *answer;
	int result;

	(void)snprintf(command, sizeof command, "create table %s %s { flags owner; }", family,
		       name);
	result = nft_run_cmd_from_buffer(nft->context, command);
	if (result != 0)
		return fault_set(fault, CODE, PATH, "no table %s %s: %.300s", family, name,
				 nft_ctx_get_error_buffer(nft->context));
	result = list_text(nft, family, name, &answer);
	if (result == 0 && answer != NULL && strstr(answer, "flags owner") != NULL)
		return FAULT_NONE;
	return fault_set(fault, CODE, PATH,
			 "the table %s %s is not this process's: it needs Linux 5.12", family,
			 name);
}

/* {verb:{"table":{"family","name"}}}, or all of a kind ("tables") for name NULL. */
static enum fault_code run_table(struct nft *nft, const char *verb, const char *family_or_kind,
				 const char *name, const char **answer, struct fault *fault)
{
	struct json_object *commands OBJECT_CLEANUP = array_new();
	struct json_object *command = object_new(), *what = object_new(), *table;

	if (name == NULL) {
		object_add_null(what, family_or_kind);
	} else {
		table = object_new();
		object_add_string(table, "family", family_or_kind);
		object_add_string(table, "name", name);
		object_add(what, "table", table);
	}
	object_add(command, verb, what);
	array_append(commands, command);
	return run(nft, commands, answer, fault);
}

static enum fault_code parse(const char *answer, struct json_object **out, struct fault *fault)
{
	*out = answer == NULL ? NULL : json_tokener_parse(answer);
	return *out != NULL ? FAULT_NONE
			    : fault_set(fault, CODE, PATH, "libnftables lists nothing it can read");
}

enum fault_code nft_delete(struct nft *nft, const char *family, const char *name,
			   struct fault *fault)
{
	const char *answer = NULL;

	return run_table(nft, "delete", family, name, &answer, fault);
}

static bool is_text(struct json_object *object, const char *member, const char *text)
{
	struct json_object *value = NULL;

	return json_object_object_get_ex(object, member, &value) &&
	       json_object_is_type(value, json_type_string) &&
	       strcmp(json_object_get_string(value), text) == 0;
}

enum fault_code nft_has(struct nft *nft, const char *family, const char *name, bool *there,
			struct fault *fault)
{
	struct json_object *listing OBJECT_CLEANUP = NULL;
	struct json_object *entries = NULL, *table = NULL;
	const char *answer = NULL;

	*there = false;
	if (run_table(nft, "list", "tables", NULL, &answer, fault) != FAULT_NONE ||
	    parse(answer, &listing, fault) != FAULT_NONE)
		return fault->code;
	if (!json_object_object_get_ex(listing, "nftables", &entries) ||
	    !json_object_is_type(entries, json_type_array))
		return fault_set(fault, CODE, PATH, "the kernel's tables cannot be read");
	for (size_t i = 0; i < json_object_array_length(entries); i++)
		if (json_object_object_get_ex(json_object_array_get_idx(entries, i), "table",
					      &table))
			*there = *there ||
				 (is_text(table, "family", family) && is_text(table, "name", name));
	return FAULT_NONE;
}

enum fault_code nft_counter(struct nft *nft, const char *family, const char *table,
			    const char *name, int64_t *packets, struct fault *fault)
{
	struct json_object *commands OBJECT_CLEANUP = array_new();
	struct json_object *listing OBJECT_CLEANUP = NULL;
	struct json_object *command = object_new(), *what = object_new(), *which = object_new();
	struct json_object *entries, *counter = NULL;
	const char *answer = NULL;

	object_add_string(which, "family", family);
	object_add_string(which, "name", name);
	object_add_string(which, "table", table);
	object_add(what, "counter", which);
	object_add(command, "list", what);
	array_append(commands, command);
	if (run(nft, commands, &answer, fault) != FAULT_NONE ||
	    parse(answer, &listing, fault) != FAULT_NONE)
		return fault->code;
	entries = object_member(listing, "nftables");
	for (size_t i = 0; i < array_length(entries) && counter == NULL; i++)
		counter = object_member(json_object_array_get_idx(entries, i), "counter");
	if (!json_object_is_type(object_member(counter, "packets"), json_type_int))
		return fault_set(fault, CODE, PATH, "the kernel's counter %s cannot be read", name);
	*packets = object_number(counter, "packets");
	return FAULT_NONE;
}

enum fault_code nft_list_chains(struct nft *nft, struct json_object **out, struct fault *fault)
{
	const char *answer = NULL;
	enum fault_code code = run_table(nft, "list", "chains", NULL, &answer, fault);

	return code == FAULT_NONE ? parse(answer, out, fault) : code;
}

enum fault_code nft_list(struct nft *nft, const char *family, const char *table,
			 struct json_object **out, struct fault *fault)
{
	const char *answer = NULL;
	enum fault_code code = run_table(nft, "list", family, table, &answer, fault);

	return code == FAULT_NONE ? parse(answer, out, fault) : code;
}
