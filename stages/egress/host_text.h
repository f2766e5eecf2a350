/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EGRESS_HOST_TEXT_H
#define EGRESS_HOST_TEXT_H

#include "stages/resolve/dns_name.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * A host name as somebody else says it, in any case, into out in lower case. Only what a rule can
 * have: letters, digits, hyphens and dots, two labels or more, none empty, none over 63; a last
 * label of digits alone would be an address. false: anything else, a final dot too.
 */
bool host_text_take(const void *bytes, size_t len, char out[DNS_NAME_SIZE])
	__attribute__((warn_unused_result));

#endif
