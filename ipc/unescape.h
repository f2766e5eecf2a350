/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IPC_UNESCAPE_H
#define IPC_UNESCAPE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Back from what object_add_escaped writes to the bytes it was given: \\ is a backslash, \xNN
 * (lower-case hex) the byte NN. out gets the bytes and a NUL behind them. false: another escape, a
 * NUL among the bytes, or no room.
 */
bool unescape(const char *text, char *out, size_t size) __attribute__((warn_unused_result));

#endif
