/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EGRESS_REASON_H
#define EGRESS_REASON_H

/* Why a connection or a question was refused; the words in records are of reason_name. */
enum reason {
	REASON_NONE,
	REASON_NOT_REDIRECTED,	/* it came to the listener itself, or to a port without rules */
	REASON_TOO_MANY,	/* connections at one time */
	REASON_SILENT,		/* no whole ClientHello or request head in time */
	REASON_NOT_TLS,		/* something else on 443, plain HTTP for one */
	REASON_HELLO_MALFORMED, /* not a ClientHello, or one that could mean two things */
	REASON_HELLO_TOO_LONG,
	REASON_SNI_ABSENT,
	REASON_SNI_MALFORMED, /* not a host name: an address, a final dot, other bytes */
	REASON_ECH,	    /* encrypted_client_hello, meant or GREASE: the name inside is hidden */
	REASON_EARLY_DATA,  /* what follows could hide a second ClientHello */
	REASON_SNI_CHANGED, /* a second ClientHello with another name */
	REASON_NOT_HTTP,
	REASON_HTTP_TOO_LONG,
	REASON_HTTP_FRAMING, /* a head or body that two readers may take for different things */
	REASON_HTTP_CONNECT,
	REASON_HTTP_2, /* prior knowledge */
	REASON_HOST_ABSENT,
	REASON_HOST_REPEATED,
	REASON_HOST_MALFORMED,
	REASON_NAME_NOT_LISTED,
	REASON_ADDRESS_NOT_OF_NAME, /* the name is listed, the address is not one of it */
	REASON_ADDRESS_OF_HOST,	    /* this machine's or a gateway's, and no cidr is for it */
	REASON_DNS_NOT_LISTED,	    /* a question for a name no rule has; none was asked for it */
	REASON_DNS_CLOSED,	    /* a name that leads to an address no name may lead to */
	REASON_DNS_FULL,	    /* more names or questions than are kept */
	REASON_COUNT
};

const char *reason_name(enum reason reason);

#endif
