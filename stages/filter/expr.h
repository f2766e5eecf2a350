/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILTER_EXPR_H
#define FILTER_EXPR_H

#include "stages/filter/net4.h"

#include <stddef.h>
#include <stdint.h>

struct json_object;

/*
 * Rules as libnftables-json(5) has them. Statements are appended to expr, the rule's list, in the
 * form in which the kernel's own listing has them, so that the two can be compared.
 */
struct rule {
	const char *family, *table;
	struct json_object *commands; /* where finished rules go */
	struct json_object *expr;     /* of the rule being made; NULL between them */
};

void rule_begin(struct rule *rule);
/* comment: NULL for none. */
void rule_end(struct rule *rule, const char *chain, const char *comment);

void expr_meta(struct rule *rule, const char *key, const char *value);
void expr_meta_not(struct rule *rule, const char *key, const char *value);
void expr_meta_number(struct rule *rule, const char *key, int64_t number);
void expr_field(struct rule *rule, const char *protocol, const char *field, const char *operator,
		struct json_object * value);
/* The packet's field becomes this. */
void expr_set_field(struct rule *rule, const char *protocol, const char *field, int value);
void expr_ct(struct rule *rule, const char *state);
/* TCP with this flag, or without it, whatever others. */
void expr_flag(struct rule *rule, const char *flag);
void expr_no_flag(struct rule *rule, const char *flag);
/* What a host says of another's packet: unreachable, time exceeded, parameter problem (RFC 792). */
void expr_icmp_error(struct rule *rule);
/* Of a connection that was turned to another destination. */
void expr_dnat(struct rule *rule);
/* Whether the destination is an address of this network namespace. */
void expr_local(struct rule *rule, const char *operator);
/* One of count networks. */
void expr_daddr(struct rule *rule, const struct net4 *nets, size_t count);
/* More connections than this at once, of the whole sandbox's. */
void expr_crowded(struct rule *rule, int count);
void expr_counter(struct rule *rule, const char *name); /* NULL: the rule's own */
/* Remember the packet in a set: destination and protocol; of this protocol's (NULL: any) the port. */
void expr_remember(struct rule *rule, const char *set, const char *protocol);
void expr_reject(struct rule *rule, const char *type, const char *what); /* what may be NULL */
void expr_redirect(struct rule *rule, uint16_t port);
void expr_go(struct rule *rule, const char *verb, const char *chain); /* "jump", "goto" */
void expr_verdict(struct rule *rule, const char *verdict);	      /* "accept", "drop" */

/* {"add":{kind:value}}; value is taken over, and gets family and table. */
void expr_add(struct rule *rule, const char *kind, struct json_object *value);
/* A chain; type NULL: one that others jump to. */
void expr_chain(struct rule *rule, const char *name, const char *type, const char *hook,
		int priority, const char *policy);

#endif
