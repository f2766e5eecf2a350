/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INIT_PORTS_H
#define INIT_PORTS_H

#include "ipc/fault.h"

/*
 * The five byte streams between guest and host (sr-guest(1)): virtio-serial ports named
 * org.safe-run.<stream> under QEMU, vsock connections to the host (CID 2) under Firecracker, ports
 * 5001 and up in this order. Each has flow control of its own.
 */
enum port {
	PORT_CONTROL, /* records, both ways */
	PORT_STDIN,   /* to the guest, as the three are raw */
	PORT_STDOUT,
	PORT_STDERR,
	PORT_OUTPUTS, /* stages/guest/cargo.h */
	PORT_COUNT
};

/*
 * Open all, non-blocking and close-on-exec, once the host's side of each is there; waits for the
 * devices at most 20 s. fds[] are the caller's. Over vsock control is connected first, whatever else
 * is there: the host may save the machine at that moment, and what it saved has to connect anew.
 */
enum fault_code ports_open(int fds[PORT_COUNT], struct fault *fault)
	__attribute__((warn_unused_result));

#endif
