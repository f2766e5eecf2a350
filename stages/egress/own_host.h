/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EGRESS_OWN_HOST_H
#define EGRESS_OWN_HOST_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Whether address (host byte order) is one of the machine's own: sr-egress connects from the host's
 * network namespace, where the run's packet filter sees nothing, and a name that leads here would
 * open what listens here. Asked of the kernel each time, for addresses come and go: a datagram
 * socket connected to an address of our own has it as its source (ip(7)), and nothing is sent. An
 * address that cannot be asked for counts as our own.
 */
bool own_host_has(uint32_t address);

#endif
