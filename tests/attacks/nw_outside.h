/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ATTACKS_NW_OUTSIDE_H
#define ATTACKS_NW_OUTSIDE_H

#include "tests/attacks/nw.h"

#define NW_OUTSIDE_LINK "nw-out" /* its interface */
#define NW_GATEWAY	"198.51.100.1"

/* In a child, which asserts nothing: "what: reason" on stderr, and its end. */
void nw_must(bool good, const char *what);
int nw_listen(int type, const char *address, int port);
uint32_t nw_number(const char *address); /* host order */

/*
 * In the child, in its namespace, where the interface is by now: addresses, servers, and notes of all
 * that arrives, until it is killed. A byte to ready_fd says that it is up; it never returns, and says
 * what went wrong on stderr.
 */
_Noreturn void nw_outside(struct nw_notes *notes, int ready_fd);

#endif
