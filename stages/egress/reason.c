/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/egress/reason.h"

static const char *const names[REASON_COUNT] = {
	[REASON_NONE] = "",
	[REASON_NOT_REDIRECTED] = "not-redirected",
	[REASON_TOO_MANY] = "too-many",
	[REASON_SILENT] = "silent",
	[REASON_NOT_TLS] = "not-tls",
	[REASON_HELLO_MALFORMED] = "hello-malformed",
	[REASON_HELLO_TOO_LONG] = "hello-too-long",
	[REASON_SNI_ABSENT] = "sni-absent",
	[REASON_SNI_MALFORMED] = "sni-malformed",
	[REASON_ECH] = "ech",
	[REASON_EARLY_DATA] = "early-data",
	[REASON_SNI_CHANGED] = "sni-changed",
	[REASON_NOT_HTTP] = "not-http",
	[REASON_HTTP_TOO_LONG] = "http-too-long",
	[REASON_HTTP_FRAMING] = "http-framing",
	[REASON_HTTP_CONNECT] = "http-connect",
	[REASON_HTTP_2] = "http-2",
	[REASON_HOST_ABSENT] = "host-absent",
	[REASON_HOST_REPEATED] = "host-repeated",
	[REASON_HOST_MALFORMED] = "host-malformed",
	[REASON_NAME_NOT_LISTED] = "name-not-listed",
	[REASON_ADDRESS_NOT_OF_NAME] = "address-not-of-name",
	[REASON_ADDRESS_OF_HOST] = "address-of-host",
	[REASON_DNS_NOT_LISTED] = "dns-not-listed",
	[REASON_DNS_CLOSED] = "dns-closed",
	[REASON_DNS_FULL] = "dns-full",
};

const char *reason_name(enum reason reason)
{
	return names[reason];
}
