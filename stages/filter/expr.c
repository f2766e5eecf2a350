/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/filter/expr.h"

#include "ipc/object.h"

#include <json-c/json.h>
#include <string.h>

void rule_begin(struct rule *rule)
{
	rule->expr = array_new();
}

void expr_add(struct rule *rule, const char *kind, struct json_object *value)
{
	struct json_object *add = object_new(), *command = object_new();

	object_add_string(value, "family", rule->family);
	object_add_string(value, strcmp(kind, "table") == 0 ? "name" : "table", rule->table);
	object_add(add, kind, value);
	object_add(command, "add", add);
	array_append(rule->commands, command);
}

void rule_end(struct rule *rule, const char *chain, const char *comment)
{
	struct json_object *value = object_new();

	object_add_string(value, "chain", chain);
	if (comment != NULL)
		object_add_string(value, "comment", comment);
	object_add(value, "expr", rule->expr);
	rule->expr = NULL;
	expr_add(rule, "rule", value);
}

static void add_statement(struct rule *rule, const char *name, struct json_object *value)
{
	struct json_object *statement = object_new();

	object_add(statement, name, value);
	array_append(rule->expr, statement);
}

static void add_match(struct rule *rule, const char *operator, struct json_object * left,
		      struct json_object *right)
{
	struct json_object *match = object_new();

	object_add(match, "left", left);
	object_add_string(match, "op", operator);
	object_add(match, "right", right);
	add_statement(rule, "match", match);
}

static struct json_object *keyed(const char *kind, const char *key, const char *value)
{
	struct json_object *inner = object_new(), *outer = object_new();

	object_add_string(inner, key, value);
	object_add(outer, kind, inner);
	return outer;
}

static struct json_object *payload(const char *protocol, const char *field)
{
	struct json_object *inner = object_new(), *outer = object_new();

	object_add_string(inner, "field", field);
	object_add_string(inner, "protocol", protocol);
	object_add(outer, "payload", inner);
	return outer;
}

void expr_meta(struct rule *rule, const char *key, const char *value)
{
	add_match(rule, "==", keyed("meta", "key", key), json_object_new_string(value));
}

void expr_meta_not(struct rule *rule, const char *key, const char *value)
{
	add_match(rule, "!=", keyed("meta", "key", key), json_object_new_string(value));
}

void expr_meta_number(struct rule *rule, const char *key, int64_t number)
{
	add_match(rule, "==", keyed("meta", "key", key), json_object_new_int64(number));
}

void expr_field(struct rule *rule, const char *protocol, const char *field, const char *operator,
		struct json_object * value)
{
	add_match(rule, operator, payload(protocol, field), value);
}

void expr_set_field(struct rule *rule, const char *protocol, const char *field, int value)
{
	struct json_object *mangle = object_new();

	object_add(mangle, "key", payload(protocol, field));
	object_add_integer(mangle, "value", value);
	add_statement(rule, "mangle", mangle);
}

void expr_ct(struct rule *rule, const char *state)
{
	add_match(rule, "in", keyed("ct", "key", "state"), json_object_new_string(state));
}

void expr_flag(struct rule *rule, const char *flag)
{
	add_match(rule, "in", payload("tcp", "flags"), json_object_new_string(flag));
}

void expr_no_flag(struct rule *rule, const char *flag)
{
	add_match(rule, "!", payload("tcp", "flags"), json_object_new_string(flag));
}

void expr_icmp_error(struct rule *rule)
{
	struct json_object *types = array_new(), *set = object_new();

	array_append_string(types, "destination-unreachable");
	array_append_string(types, "time-exceeded");
	array_append_string(types, "parameter-problem");
	object_add(set, "set", types);
	expr_field(rule, "icmp", "type", "==", set);
}

void expr_dnat(struct rule *rule)
{
	add_match(rule, "in", keyed("ct", "key", "status"), json_object_new_string("dnat"));
}

void expr_local(struct rule *rule, const char *operator)
{
	struct json_object *fib = object_new(), *left = object_new(), *flags = array_new();

	array_append_string(flags, "daddr");
	object_add(fib, "flags", flags);
	object_add_string(fib, "result", "type");
	object_add(left, "fib", fib);
	add_match(rule, operator, left, json_object_new_string("local"));
}

static struct json_object *network(struct net4 net)
{
	struct json_object *prefix, *outer;
	char text[NET4_TEXT_SIZE];

	net4_format(net, true, text);
	if (net.len == 32)
		return json_object_new_string(text);
	*strchr(text, '/') = '\0';
	prefix = object_new();
	outer = object_new();
	object_add_string(prefix, "addr", text);
	object_add_integer(prefix, "len", net.len);
	object_add(outer, "prefix", prefix);
	return outer;
}

void expr_daddr(struct rule *rule, const struct net4 *nets, size_t count)
{
	struct json_object *elements, *set;

	if (count == 1) {
		expr_field(rule, "ip", "daddr", "==", network(nets[0]));
		return;
	}
	elements = array_new();
	set = object_new();
	for (size_t i = 0; i < count; i++)
		array_append(elements, network(nets[i]));
	object_add(set, "set", elements);
	expr_field(rule, "ip", "daddr", "==", set);
}

void expr_crowded(struct rule *rule, int count)
{
	struct json_object *limit = object_new();

	object_add_bool(limit, "inv", true);
	object_add_integer(limit, "val", count);
	add_statement(rule, "ct count", limit);
}

void expr_counter(struct rule *rule, const char *name)
{
	add_statement(rule, "counter", name == NULL ? NULL : json_object_new_string(name));
}

void expr_remember(struct rule *rule, const char *set, const char *protocol)
{
	struct json_object *concat = array_new(), *element = object_new(), *update = object_new();
	struct json_object *statements = array_new(), *counter = object_new();

	array_append(concat, payload("ip", "daddr"));
	array_append(concat, keyed("meta", "key", "l4proto"));
	if (protocol != NULL)
		array_append(concat, payload(protocol, "dport"));
	object_add(element, "concat", concat);
	object_add_null(counter, "counter");
	array_append(statements, counter);
	object_add(update, "elem", element);
	object_add_string(update, "op", "update");
	object_add_string(update, "set", set);
	object_add(update, "stmt", statements);
	add_statement(rule, "set", update);
}

void expr_reject(struct rule *rule, const char *type, const char *what)
{
	struct json_object *reject = object_new();

	if (what != NULL)
		object_add_string(reject, "expr", what);
	object_add_string(reject, "type", type);
	add_statement(rule, "reject", reject);
}

void expr_redirect(struct rule *rule, uint16_t port)
{
	struct json_object *redirect = object_new();

	object_add_integer(redirect, "port", port);
	add_statement(rule, "redirect", redirect);
}

void expr_go(struct rule *rule, const char *verb, const char *chain)
{
	struct json_object *target = object_new();

	object_add_string(target, "target", chain);
	add_statement(rule, verb, target);
}

void expr_verdict(struct rule *rule, const char *verdict)
{
	add_statement(rule, verdict, NULL);
}

void expr_chain(struct rule *rule, const char *name, const char *type, const char *hook,
		int priority, const char *policy)
{
	struct json_object *chain = object_new();

	object_add_string(chain, "name", name);
	if (type != NULL) {
		object_add_string(chain, "hook", hook);
		object_add_string(chain, "policy", policy);
		object_add_integer(chain, "prio", priority);
		object_add_string(chain, "type", type);
	}
	expr_add(rule, "chain", chain);
}
