/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATE_ADDRESS_H
#define VALIDATE_ADDRESS_H

#include <stdbool.h>

/*
 * NULL when text is a host name this accepts: lower-case letters, digits and hyphens, two labels or
 * more, no address in disguise. Else what is wrong and how to mend it, to follow the name.
 */
const char *address_host_fault(const char *text);

/* The same for a host name or *. and a host name: every name below that one, not itself. */
const char *address_pattern_fault(const char *text);
bool address_host_wild(const char *text);

/* The same for an IPv4 network in its one spelling, a.b.c.d/n without bits behind the length. */
const char *address_cidr_fault(const char *text);

#endif
