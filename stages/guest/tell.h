/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GUEST_TELL_H
#define GUEST_TELL_H

#include "ipc/fault.h"

struct guest;

/*
 * The records of sr-guest (safe-run-ipc(7)): what has become of the machine, and in the last one all
 * the guest has said of its command. Each is observedBy guest.
 */
enum fault_code tell_listening(const struct guest *guest, struct fault *fault)
	__attribute__((warn_unused_result));
/* The first VMM is gone and was never heard: the next one can connect. */
enum fault_code tell_again(const struct guest *guest, struct fault *fault)
	__attribute__((warn_unused_result));
/* The VMM has its streams, the guest's pid 1 speaks: for who measures. */
enum fault_code tell_connected(const struct guest *guest, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code tell_hello(const struct guest *guest, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code tell_started(const struct guest *guest, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code tell_exited(const struct guest *guest, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code tell_final(const struct guest *guest, struct fault *fault)
	__attribute__((warn_unused_result));

/* To the guest, once all it announced is here. One that does not read is not waited for. */
void tell_received(const struct guest *guest);

#endif
