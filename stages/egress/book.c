/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/egress/book.h"

#include "ipc/buf.h"
#include "ipc/object.h"
#include "stages/egress/plan.h"

#include <stdlib.h>
#include <string.h>

/* Answers are kept so long at least: a name with no lifetime is not asked for each connection. */
#define FRESH_LEAST_MS 2000

enum fault_code book_read(const char *line, size_t len, struct book *book, struct fault *fault)
{
	*book = (struct book){.record = NULL};
	book->rules = calloc(BOOK_RULE_MAX, sizeof *book->rules);
	if (book->rules == NULL)
		buf_no_memory();
	return plan_read(line, len, book, fault);
}

void book_release(struct book *book)
{
	free(book->rules);
	free(book->names);
	book->rules = NULL;
	book->names = NULL;
	book->rule_count = book->name_count = book->name_room = 0;
	object_release(&book->record);
}

bool book_has_port(const struct book *book, unsigned port)
{
	for (size_t i = 0; i < book->rule_count; i++)
		if (book->rules[i].port == port)
			return true;
	return false;
}

/* a.example.org is below example.org; example.org and aexample.org are not. */
static bool is_below(const char *name, const char *parent)
{
	const size_t len = strlen(name), parent_len = strlen(parent);

	return len > parent_len + 1 && name[len - parent_len - 1] == '.' &&
	       strcmp(name + len - parent_len, parent) == 0;
}

static bool names(const struct book_rule *rule, const char *name)
{
	return rule->wild ? is_below(name, rule->host) : strcmp(name, rule->host) == 0;
}

static const struct book_name *find(const struct book *book, const char *name)
{
	for (size_t i = 0; i < book->name_count; i++)
		if (strcmp(book->names[i].name, name) == 0)
			return &book->names[i];
	return NULL;
}

struct book_rule *book_permit(struct book *book, const char *name, uint32_t address, unsigned port,
			      enum reason *reason)
{
	const struct book_name *learned = find(book, name);
	const struct dns_addresses *pinned = book_pinned(book, name);

	*reason = REASON_NAME_NOT_LISTED;
	for (size_t i = 0; i < book->rule_count; i++) {
		struct book_rule *rule = &book->rules[i];

		if (rule->port != port || !names(rule, name))
			continue;
		/* A name that another rule pins is never asked for below a wildcard. */
		if (rule->wild ? (learned != NULL &&
				  dns_addresses_has(&learned->addresses, address)) ||
					 (pinned != NULL && dns_addresses_has(pinned, address))
			       : dns_addresses_has(&rule->addresses, address)) {
			*reason = REASON_NONE;
			return rule;
		}
		*reason = REASON_ADDRESS_NOT_OF_NAME;
	}
	return NULL;
}

struct book_rule *book_owner(struct book *book, uint32_t address, unsigned port)
{
	for (size_t i = 0; i < book->rule_count; i++) {
		struct book_rule *rule = &book->rules[i];

		if (rule->port != port)
			continue;
		if (!rule->wild && dns_addresses_has(&rule->addresses, address))
			return rule;
		for (size_t k = 0; rule->wild && k < book->name_count; k++)
			if (is_below(book->names[k].name, rule->host) &&
			    dns_addresses_has(&book->names[k].addresses, address))
				return rule;
	}
	return NULL;
}

const struct dns_addresses *book_pinned(const struct book *book, const char *name)
{
	for (size_t i = 0; i < book->rule_count; i++)
		if (!book->rules[i].wild && strcmp(book->rules[i].host, name) == 0)
			return &book->rules[i].addresses;
	return NULL;
}

bool book_is_below_wildcard(const struct book *book, const char *name)
{
	for (size_t i = 0; i < book->rule_count; i++)
		if (book->rules[i].wild && is_below(name, book->rules[i].host))
			return true;
	return false;
}

const struct book_name *book_learned(const struct book *book, const char *name, uint64_t now_ms)
{
	const struct book_name *found = find(book, name);

	return found != NULL && (now_ms == UINT64_MAX || now_ms < found->until_ms) ? found : NULL;
}

static struct book_name *add_name(struct book *book, const char *name)
{
	struct book_name *more;
	const size_t room = book->name_room == 0 ? 16 : 2 * book->name_room;

	if (book->name_count == BOOK_NAME_MAX)
		return NULL;
	if (book->name_count == book->name_room) {
		more = reallocarray(book->names, room, sizeof *more);
		if (more == NULL)
			buf_no_memory();
		book->names = more;
		book->name_room = room;
	}
	more = &book->names[book->name_count++];
	*more = (struct book_name){.until_ms = 0};
	(void)memccpy(more->name, name, '\0', sizeof more->name - 1);
	return more;
}

bool book_learn(struct book *book, const char *name, const struct dns_addresses *addresses,
		uint64_t now_ms)
{
	const struct book_name *found = find(book, name);
	struct book_name *entry =
		found != NULL ? &book->names[found - book->names] : add_name(book, name);
	uint64_t fresh_ms = (uint64_t)addresses->ttl * 1000;

	if (entry == NULL)
		return false;
	/* When all there ever were is full, what is answered now must still be what is let through. */
	if (entry->addresses.count + addresses->count > DNS_ADDRESS_MAX)
		entry->addresses.count = 0;
	for (size_t i = 0; i < addresses->count; i++)
		dns_addresses_add(&entry->addresses, addresses->items[i]);
	entry->latest = *addresses;
	entry->until_ms = now_ms + (fresh_ms < FRESH_LEAST_MS ? FRESH_LEAST_MS : fresh_ms);
	return true;
}
