/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RESOLVE_DNS_NAME_H
#define RESOLVE_DNS_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Names of DNS messages (RFC 1035, 3.1 and 4.1.4), hostile until read here. As text a name is
 * without its final dot and lower-case; only letters, digits, hyphens and underscores are let
 * through, so that no text holds a dot, a NUL or an escape that the wire's label had in it.
 */
#define DNS_NAME_MAX	  253
#define DNS_NAME_SIZE	  (DNS_NAME_MAX + 1)
#define DNS_NAME_WIRE_MAX 255
#define DNS_LABEL_MAX	  63

/*
 * Read the name at *offset of a message and move *offset behind it. Compression pointers lead to
 * earlier bytes only, each earlier than the one before, so that reading ends. The root is "".
 * false: cut off, too long, a label type nobody defined, or a byte outside the set above.
 */
bool dns_name_read(const uint8_t *message, size_t len, size_t *offset, char out[DNS_NAME_SIZE])
	__attribute__((warn_unused_result));

/* As dns_name_read, whatever the labels hold: for names nobody looks at. */
bool dns_name_skip(const uint8_t *message, size_t len, size_t *offset)
	__attribute__((warn_unused_result));

/* Write text as labels into out; the length, 0 when it is not a name. */
size_t dns_name_write(const char *text, uint8_t out[DNS_NAME_WIRE_MAX])
	__attribute__((warn_unused_result));

#endif
