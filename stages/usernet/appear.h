/* SPDX-License-Identifier: Apache-2.0 */
#ifndef USERNET_APPEAR_H
#define USERNET_APPEAR_H

#include "ipc/fault.h"

struct helper;

/*
 * Wait until the run's network namespace has the interface, as link_fd tells: a netlink socket of that
 * namespace, bound to news of links before the helper was started. A helper that ends first is a
 * fault with its last words; so is an order to stop (stdin readable) and a time too long.
 */
enum fault_code appear_await(int link_fd, const char *interface, struct helper *helper,
			     const char *program, struct fault *fault)
	__attribute__((warn_unused_result));

/* One version's line, which it then ends. Never a fault: "" when it says none. */
void appear_await_version(struct helper *asked);

#endif
