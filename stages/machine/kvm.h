/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MACHINE_KVM_H
#define MACHINE_KVM_H

#include <stdbool.h>

/*
 * Whether KVM works here, by trying: an open /dev/kvm says nothing on a nested host. A machine of
 * one page and one virtual processor executes one HLT, and the processor takes each value that KVM
 * itself names for its feature registers, as a VMM sets them before it starts a guest.
 */
#define KVM_REASON_SIZE 160

struct kvm_answer {
	bool usable;
	char reason[KVM_REASON_SIZE]; /* what did not work, when it is not usable */
};

/* kvm_fd is /dev/kvm, open for reading and writing, and stays the caller's. */
void kvm_try(int kvm_fd, struct kvm_answer *answer);

#endif
