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
				    "{\"nftables\":[{\"list\":{\"chains\":null}}]}") != 0)
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

/* As text: the JSON of libnftables 1.0 knows neither a table's flags nor a chain's device. */
static int list_text(struct nft *nft, const char *command, const char **answer)
{
	int result;

	nft_ctx_output_set_flags(nft->context, NFT_CTX_OUTPUT_NUMERIC_PROTO);
	result = nft_run_cmd_from_buffer(nft->context, command);
	*answer = nft_ctx_get_output_buffer(nft->context);
	nft_ctx_output_set_flags(nft->context, FLAGS);
	return result;
}

enum fault_code nft_check_device(struct nft *nft, const char *family, const char *table,
				 const char *device, struct fault *fault)
{
	const char *answer = NULL;
	char command[128], quoted[64];

	(void)snprintf(quoted, sizeof quoted, "\"%s\"", device);
	(void)snprintf(command, sizeof command, "list table %s %s", family, table);
	if (list_text(nft, command, &answer) == 0 && answer != NULL &&
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
	(void)snprintf(command, sizeof command, "list table %s %s", family, name);
	result = list_text(nft, command, &answer);
	if (result == 0 && answer != NULL && strstr(answer, "flags owner") != NULL)
		return FAULT_NONE;
	return fault_set(fault, CODE, PATH,
			 "the table %s %s is not this process's: it needs Linux 5.12", family,
			 name);
}

/* {verb:{kind:{"family","name","table"}}}, table NULL for none; all of a kind for name NULL. */
static enum fault_code run_verb(struct nft *nft, const char *verb, const char *kind,
				const char *family, const char *table, const char *name,
				const char **answer, struct fault *fault)
{
	struct json_object *commands OBJECT_CLEANUP = array_new();
	struct json_object *command = object_new(), *what = object_new(), *which;

	if (name == NULL) {
		object_add_null(what, kind);
	} else {
		which = object_new();
		object_add_string(which, "family", family);
		object_add_string(which, "name", name);
		if (table != NULL)
			object_add_string(which, "table", table);
		object_add(what, kind, which);
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

static enum fault_code list(struct nft *nft, const char *kind, const char *family,
			    const char *table, const char *name, struct json_object **out,
			    struct fault *fault)
{
	const char *answer = NULL;

	if (run_verb(nft, "list", kind, family, table, name, &answer, fault) != FAULT_NONE)
		return fault->code;
	return parse(answer, out, fault);
}

enum fault_code nft_delete(struct nft *nft, const char *family, const char *name,
			   struct fault *fault)
{
	const char *answer = NULL;

	return run_verb(nft, "delete", "table", family, NULL, name, &answer, fault);
}

enum fault_code nft_has(struct nft *nft, const char *family, const char *name, bool *there,
			struct fault *fault)
{
	const char *answer = NULL, *at;
	char command[64], line[128];

	*there = false;
	(void)snprintf(command, sizeof command, "list tables %s", family);
	(void)snprintf(line, sizeof line, "table %s %s\n", family, name);
	if (list_text(nft, command, &answer) != 0 || answer == NULL)
		return fault_set(fault, CODE, PATH, "the kernel's tables cannot be read");
	at = strstr(answer, line);
	*there = at != NULL && (at == answer || at[-1] == '\n');
	return FAULT_NONE;
}

enum fault_code nft_list_chains(struct nft *nft, struct json_object **out, struct fault *fault)
{
	return list(nft, "chains", NULL, NULL, NULL, out, fault);
}

enum fault_code nft_list(struct nft *nft, const char *family, const char *table,
			 struct json_object **out, struct fault *fault)
{
	return list(nft, "table", family, NULL, table, out, fault);
}

/* Those of listing's objects that libnftables made of it. */
static void append_listed(struct json_object *entries, struct json_object *listing)
{
	struct json_object *from = object_member(listing, "nftables");

	for (size_t i = 0; i < array_length(from); i++) {
		struct json_object *entry = json_object_array_get_idx(from, i);

		if (object_member(entry, "metainfo") == NULL)
			array_append(entries, json_object_get(entry));
	}
}

enum fault_code nft_list_chain(struct nft *nft, const char *family, const char *table,
			       const char *chain, struct json_object **out, struct fault *fault)
{
	return list(nft, "chain", family, table, chain, out, fault);
}

enum fault_code nft_list_made(struct nft *nft, const char *family, const char *table,
			      struct json_object *commands, struct json_object **out,
			      struct fault *fault)
{
	struct json_object *entries = array_new();
	enum fault_code code = FAULT_NONE;

	*out = object_new();
	object_add(*out, "nftables", entries);
	for (size_t i = 0; code == FAULT_NONE && i < array_length(commands); i++) {
		struct json_object *listing OBJECT_CLEANUP = NULL;
		struct json_object *add =
			object_member(json_object_array_get_idx(commands, i), "add");
		struct json_object *chain = object_member(add, "chain");

		if (chain == NULL)
			continue;
		code = nft_list_chain(nft, family, table, object_text(chain, "name"), &listing,
				      fault);
		append_listed(entries, listing);
	}
	return code;
}
