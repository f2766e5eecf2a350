/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILTER_NFT_H
#define FILTER_NFT_H

#include "ipc/fault.h"

#include <stdbool.h>

struct json_object;
struct nft_ctx;

/*
 * libnftables' JSON interface (libnftables-json(5)): commands are objects, and answers are. Text
 * for a parser of commands is never made.
 */
struct nft {
	struct nft_ctx *context; /* owned */
};

/* Opens the netlink socket, in the network namespace of now, and the files libnftables reads. */
enum fault_code nft_open(struct nft *nft, struct fault *fault) __attribute__((warn_unused_result));
void nft_close(struct nft *nft);

/* All of commands, an array of {"add":{...}}, or nothing: one transaction. */
enum fault_code nft_apply(struct nft *nft, struct json_object *commands, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * A new table that is this process's and vanishes with it. In commands' own language, for the JSON
 * of libnftables 1.0 knows no flags of tables; name has letters, digits and hyphens only. Read back.
 */
enum fault_code nft_own(struct nft *nft, const char *family, const char *name, struct fault *fault)
	__attribute__((warn_unused_result));

/* The table has a chain on the interface of this name, of letters, digits and hyphens. */
enum fault_code nft_check_device(struct nft *nft, const char *family, const char *table,
				 const char *device, struct fault *fault)
	__attribute__((warn_unused_result));

/* Remove a table; whether there is one of this name. */
enum fault_code nft_delete(struct nft *nft, const char *family, const char *name,
			   struct fault *fault) __attribute__((warn_unused_result));
enum fault_code nft_has(struct nft *nft, const char *family, const char *name, bool *there,
			struct fault *fault) __attribute__((warn_unused_result));

/* {"nftables":[...]} of all chains of this network namespace, without their rules; the caller's. */
enum fault_code nft_list_chains(struct nft *nft, struct json_object **out, struct fault *fault)
	__attribute__((warn_unused_result));

/* {"nftables":[...]} of one table, which the caller owns. Not of one that has an owner, see below. */
enum fault_code nft_list(struct nft *nft, const char *family, const char *table,
			 struct json_object **out, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * The same of one chain with its rules; and of all the chains that commands made, one after another:
 * of a table with a flag libnftables (to 1.0.6) prints as JSON what it has freed, whoever's table it
 * is, so none is listed that way.
 */
enum fault_code nft_list_chain(struct nft *nft, const char *family, const char *table,
			       const char *chain, struct json_object **out, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code nft_list_made(struct nft *nft, const char *family, const char *table,
			      struct json_object *commands, struct json_object **out,
			      struct fault *fault) __attribute__((warn_unused_result));

#endif
