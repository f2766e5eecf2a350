/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/address.h"

#include "stages/validate/scalar.h"

#include <stdint.h>
#include <string.h>

#define HOST_MAX  253 /* RFC 1035, without the final dot */
#define LABEL_MAX 63

static const char *label_fault(const char *label, size_t len)
{
	if (len == 0)
		return "has an empty label; leave out the extra dot, also at the end";
	if (len > LABEL_MAX)
		return "has a label of more than 63 characters";
	if (label[0] == '-' || label[len - 1] == '-')
		return "has a label that starts or ends with a hyphen";
	return NULL;
}

static const char *character_fault(const char *text)
{
	for (; text[0] != '\0'; text++) {
		unsigned char c = (unsigned char)text[0];

		if (c >= 0x80)
			return "is not ASCII; write its xn-- form";
		if (c >= 'A' && c <= 'Z')
			return "has capital letters; names are the same in lower case, write that";
		if (c == '*')
			return "has a wildcard in another place than the whole first label";
		if (strchr("abcdefghijklmnopqrstuvwxyz0123456789-.", c) == NULL)
			return "is no host name: only a-z, 0-9, hyphen and dot, without scheme, "
			       "user, "
			       "port, zone or path";
	}
	return NULL;
}

/*
 * A last label of digits, or 0x and hexadecimal digits, makes the whole an IPv4 address to
 * inet_aton(3) and to browsers: 127.1, 0177.0.0.1, 2130706433, 0x7f.1.
 */
static bool ends_in_number(const char *last)
{
	if (strncmp(last, "0x", 2) == 0)
		return last[2 + strspn(last + 2, "0123456789abcdef")] == '\0';
	return last[strspn(last, "0123456789")] == '\0';
}

const char *address_host_fault(const char *text)
{
	const char *fault = character_fault(text);
	const char *label = text;
	size_t labels = 0;

	if (fault != NULL)
		return fault;
	if (strlen(text) > HOST_MAX)
		return "is longer than 253 characters";
	for (;;) {
		size_t len = strcspn(label, ".");

		fault = label_fault(label, len);
		if (fault != NULL)
			return fault;
		labels++;
		if (label[len] == '\0')
			break;
		label += len + 1;
	}
	if (ends_in_number(label))
		return "is an address, not a name; write cidr: with /32 behind it";
	if (labels == 1)
		return "is a single label, which means another host on every network; write the "
		       "full "
		       "name, or a cidr";
	if (strcmp(label, "localhost") == 0)
		return "is this host itself, which a sandbox does not reach by name; write a cidr";
	return NULL;
}

bool address_host_wild(const char *text)
{
	return text[0] == '*' && text[1] == '.';
}

const char *address_pattern_fault(const char *text)
{
	/* The dot and a first label take room of the name, too. */
	if (address_host_wild(text) && strlen(text) > HOST_MAX)
		return "is longer than 253 characters";
	return address_host_fault(address_host_wild(text) ? text + 2 : text);
}

const char *address_cidr_fault(const char *text)
{
	static const char form[] =
		"is not an IPv4 network a.b.c.d/n, decimal, without leading zeros";
	uint32_t address = 0;
	int64_t number = 0;
	char part[4];

	if (strchr(text, ':') != NULL)
		return "is IPv6, which a sandbox does not have; write an IPv4 network";
	for (int i = 0; i < 5; i++) {
		const size_t len = strspn(text, "0123456789");
		const char after = i < 3 ? '.' : i == 3 ? '/' : '\0';

		if (len == 0 || len >= sizeof(part))
			return form;
		if (i == 3 && text[len] == '\0')
			return "is an address without a length; write /32 behind it for one host";
		memcpy(part, text, len);
		part[len] = '\0';
		if (text[len] != after ||
		    scalar_integer(part, 0, i < 4 ? 255 : 32, &number) != SCALAR_NUMBER_OK)
			return form;
		if (i < 4)
			address = address << 8 | (uint32_t)number;
		text += len + 1;
	}
	if (number < 32 && (address & (UINT32_MAX >> number)) != 0)
		return "has bits set behind its length; write the network's own address, or /32";
	return NULL;
}
