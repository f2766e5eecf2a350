/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/machine/kvm.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE_SIZE    4096
#define CODE_ADDRESS 0x1000
#define HLT	     0xf4
#define FLAGS_FIXED  2 /* bit 1 of RFLAGS is always set */
#define FEATURES_MAX 64

struct machine {
	int kvm_fd, vm_fd, vcpu_fd;
	unsigned char *memory;
	struct kvm_run *run;
	size_t run_size;
};

static bool failed(struct kvm_answer *answer, const char *what)
{
	(void)snprintf(answer->reason, sizeof answer->reason, "%s: %s", what, strerror(errno));
	return false;
}

static bool check_version(struct machine *machine, struct kvm_answer *answer)
{
	int version = ioctl(machine->kvm_fd, KVM_GET_API_VERSION, 0);

	if (version == KVM_API_VERSION)
		return true;
	if (version < 0)
		return failed(answer, "KVM_GET_API_VERSION");
	(void)snprintf(answer->reason, sizeof answer->reason, "KVM has version %d, not %d", version,
		       KVM_API_VERSION);
	return false;
}

static bool add_memory(struct machine *machine, struct kvm_answer *answer)
{
	struct kvm_userspace_memory_region region = {.guest_phys_addr = CODE_ADDRESS,
						     .memory_size = PAGE_SIZE};
	void *memory =
		mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return failed(answer, "mmap of a page");
	machine->memory = memory;
	machine->memory[0] = HLT;
	region.userspace_addr = (uintptr_t)memory;
	if (ioctl(machine->vm_fd, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return failed(answer, "KVM_SET_USER_MEMORY_REGION");
	return true;
}

static bool add_processor(struct machine *machine, struct kvm_answer *answer)
{
	int size = ioctl(machine->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	void *run;

	machine->vcpu_fd = ioctl(machine->vm_fd, KVM_CREATE_VCPU, 0);
	if (machine->vcpu_fd < 0)
		return failed(answer, "KVM_CREATE_VCPU");
	if (size < (int)sizeof(struct kvm_run))
		return failed(answer, "KVM_GET_VCPU_MMAP_SIZE");
	run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, machine->vcpu_fd, 0);
	if (run == MAP_FAILED)
		return failed(answer, "mmap of the virtual processor");
	machine->run = run;
	machine->run_size = (size_t)size;
	return true;
}

static bool make(struct machine *machine, struct kvm_answer *answer)
{
	machine->vm_fd = ioctl(machine->kvm_fd, KVM_CREATE_VM, 0);
	if (machine->vm_fd < 0)
		return failed(answer, "KVM_CREATE_VM");
	return add_memory(machine, answer) && add_processor(machine, answer);
}

static bool run_one(struct machine *machine, struct kvm_answer *answer)
{
	struct kvm_regs registers = {.rip = CODE_ADDRESS, .rflags = FLAGS_FIXED};
	struct kvm_sregs segments;

	if (ioctl(machine->vcpu_fd, KVM_GET_SREGS, &segments) < 0)
		return failed(answer, "KVM_GET_SREGS");
	segments.cs.base = 0;
	segments.cs.selector = 0;
	if (ioctl(machine->vcpu_fd, KVM_SET_SREGS, &segments) < 0 ||
	    ioctl(machine->vcpu_fd, KVM_SET_REGS, &registers) < 0)
		return failed(answer, "KVM_SET_REGS");
	if (ioctl(machine->vcpu_fd, KVM_RUN, 0) < 0)
		return failed(answer, "KVM_RUN");
	if (machine->run->exit_reason == KVM_EXIT_HLT)
		return true;
	(void)snprintf(answer->reason, sizeof answer->reason,
		       "one HLT ended with KVM's exit reason %u", machine->run->exit_reason);
	return false;
}

/* A register's value as KVM offers it, into the processor: what QEMU does, and dies of. */
static bool set_feature(struct machine *machine, uint32_t index, struct kvm_answer *answer)
{
	union {
		struct kvm_msrs msrs;
		char room[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)];
	} one = {.msrs = {.nmsrs = 1}};

	one.msrs.entries[0].index = index;
	/* One KVM cannot read it does not offer. */
	if (ioctl(machine->kvm_fd, KVM_GET_MSRS, &one) != 1)
		return true;
	if (ioctl(machine->vcpu_fd, KVM_SET_MSRS, &one) == 1)
		return true;
	(void)snprintf(answer->reason, sizeof answer->reason,
		       "KVM names %#llx for the register %#x and does not let it be set: a nested "
		       "host whose own one takes it away",
		       (unsigned long long)one.msrs.entries[0].data, index);
	return false;
}

static bool set_features(struct machine *machine, struct kvm_answer *answer)
{
	/* Those a VMM sets for every guest: capabilities, the microcode's version. */
	static const uint32_t wanted[] = {0x10a, 0x8b};
	union {
		struct kvm_msr_list list;
		char room[sizeof(struct kvm_msr_list) + FEATURES_MAX * sizeof(uint32_t)];
	} features = {.list = {.nmsrs = FEATURES_MAX}};

	/* EINVAL: a kernel before 4.18, which offers none. */
	if (ioctl(machine->kvm_fd, KVM_GET_MSR_FEATURE_INDEX_LIST, &features) < 0)
		return errno == EINVAL || failed(answer, "KVM_GET_MSR_FEATURE_INDEX_LIST");
	for (uint32_t i = 0; i < features.list.nmsrs && i < FEATURES_MAX; i++)
		for (size_t k = 0; k < sizeof wanted / sizeof wanted[0]; k++)
			if (features.list.indices[i] == wanted[k] &&
			    !set_feature(machine, wanted[k], answer))
				return false;
	return true;
}

static void release(struct machine *machine)
{
	if (machine->run != NULL)
		(void)munmap(machine->run, machine->run_size);
	if (machine->memory != NULL)
		(void)munmap(machine->memory, PAGE_SIZE);
	(void)close(machine->vcpu_fd);
	(void)close(machine->vm_fd);
}

void kvm_try(int kvm_fd, struct kvm_answer *answer)
{
	struct machine machine = {.kvm_fd = kvm_fd, .vm_fd = -1, .vcpu_fd = -1};

	*answer = (struct kvm_answer){.usable = false};
	answer->usable = check_version(&machine, answer) && make(&machine, answer) &&
			 run_one(&machine, answer) && set_features(&machine, answer);
	release(&machine);
}
