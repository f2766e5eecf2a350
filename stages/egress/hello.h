/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EGRESS_HELLO_H
#define EGRESS_HELLO_H

#include "stages/egress/reason.h"
#include "stages/resolve/dns_name.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The first message of TLS (RFC 8446, 4.1.2; RFC 5246, 7.4.1.2) with the one name it asks for (RFC
 * 6066, 3), however it is spread over records. Strict where another reader might read another
 * name: an extension twice, two names, bytes left over anywhere are refused.
 */
#define HELLO_MAX 16384 /* bytes on the wire, the records' headers with it */

enum hello_status { HELLO_MORE, HELLO_DONE, HELLO_REFUSED };

struct hello {
	char name[DNS_NAME_SIZE]; /* lower case */
	size_t wire_len;	  /* bytes of data it took */
	enum reason reason;	  /* HELLO_REFUSED */
};

/* What the first len bytes of a connection hold. Called again with all of them when there are more.
 */
enum hello_status hello_read(const uint8_t *data, size_t len, struct hello *hello)
	__attribute__((warn_unused_result));

/*
 * What the client may say between its ClientHello and what is encrypted, looked at for one thing: a
 * second ClientHello, which a HelloRetryRequest asks for, must say the same name. HELLO_DONE: from
 * here on everything may pass; hello->wire_len bytes of data were looked at.
 */
enum hello_status hello_second(const uint8_t *data, size_t len, const char *name,
			       struct hello *hello) __attribute__((warn_unused_result));

#endif
