/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/resolve/reach.h"

#include "ipc/field.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define NET(a, b, c, d, length)                                                                    \
	{                                                                                          \
		(uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d), UINT32_MAX << (32 - (length))    \
	}

/*
 * IANA's special-purpose registry (RFC 6890), as far as no name of the internet has business
 * there, and the addresses at which clouds serve credentials outside link-local: Azure's, Oracle's,
 * Alibaba's. Private networks (RFC 1918, 6598) are not here: names of a site's own lead there, and
 * the filter closes the host and the gateway themselves.
 */
static const struct {
	struct reach_cidr net;
	const char *words;
} closed[] = {
	{NET(0, 0, 0, 0, 8), "\"this network\""},
	{NET(127, 0, 0, 0, 8), "loopback"},
	{NET(169, 254, 0, 0, 16), "link-local, where clouds serve metadata"},
	{NET(168, 63, 129, 16, 32), "a cloud's metadata service"},
	{NET(100, 100, 100, 200, 32), "a cloud's metadata service"},
	{NET(192, 0, 0, 0, 24), "reserved for protocols"},
	{NET(224, 0, 0, 0, 4), "multicast"},
	{NET(240, 0, 0, 0, 4), "reserved or broadcast"},
};

/* Digits up to end; at most max, without a leading zero. */
static bool read_number(const char **text, unsigned max, unsigned *out)
{
	const size_t len = strspn(*text, "0123456789");

	if (len == 0 || len > 3 || (len > 1 && (*text)[0] == '0'))
		return false;
	*out = 0;
	for (size_t i = 0; i < len; i++)
		*out = *out * 10 + (unsigned)((*text)[i] - '0');
	*text += len;
	return *out <= max;
}

static bool read_address(const char **text, uint32_t *address)
{
	unsigned part;

	*address = 0;
	for (int i = 0; i < 4; i++) {
		if (i > 0 && *(*text)++ != '.')
			return false;
		if (!read_number(text, 255, &part))
			return false;
		*address = *address << 8 | part;
	}
	return true;
}

bool reach_address_parse(const char *text, uint32_t *address)
{
	return read_address(&text, address) && text[0] == '\0';
}

bool reach_cidr_parse(const char *text, struct reach_cidr *cidr)
{
	unsigned length;

	if (!read_address(&text, &cidr->address) || *text++ != '/' ||
	    !read_number(&text, 32, &length) || text[0] != '\0')
		return false;
	cidr->mask = length == 0 ? 0 : UINT32_MAX << (32 - length);
	return (cidr->address & ~cidr->mask) == 0;
}

void reach_address_text(uint32_t address, char out[REACH_TEXT_SIZE])
{
	(void)snprintf(out, REACH_TEXT_SIZE, "%u.%u.%u.%u", address >> 24, address >> 16 & 0xFF,
		       address >> 8 & 0xFF, address & 0xFF);
}

enum fault_code reach_read(struct fields *fields, struct reach *reach, struct fault *fault)
{
	struct json_object *list = NULL;
	enum fault_code code = fields_array(fields, "cidrs", REACH_CIDR_MAX, &list, fault);

	reach->cidr_count = 0;
	if (code != FAULT_NONE)
		return code;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *item = json_object_array_get_idx(list, i);

		if (!json_object_is_type(item, json_type_string) ||
		    !reach_cidr_parse(json_object_get_string(item), &reach->cidrs[i]))
			return fault_set(fault, fields->code, "cidrs",
					 "entry %zu is not an IPv4 network a.b.c.d/n", i);
		reach->cidr_count++;
	}
	return FAULT_NONE;
}

static bool has(const struct reach_cidr *net, uint32_t address)
{
	return (address & net->mask) == net->address;
}

bool reach_names(const struct reach *reach, uint32_t address)
{
	for (size_t i = 0; i < reach->cidr_count; i++)
		if (reach->cidrs[i].mask == UINT32_MAX && reach->cidrs[i].address == address)
			return true;
	return false;
}

/* One that has the address, and nothing that is not closed. */
static bool lists(const struct reach *reach, const struct reach_cidr *net, uint32_t address)
{
	for (size_t i = 0; i < reach->cidr_count; i++) {
		const struct reach_cidr *cidr = &reach->cidrs[i];

		if (has(cidr, address) && (cidr->mask & net->mask) == net->mask &&
		    has(net, cidr->address))
			return true;
	}
	return false;
}

const char *reach_refusal(const struct reach *reach, uint32_t address)
{
	for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
		if (has(&closed[i].net, address) && !lists(reach, &closed[i].net, address))
			return closed[i].words;
	return NULL;
}
