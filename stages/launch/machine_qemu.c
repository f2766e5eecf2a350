/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/object.h"
#include "stages/filter/tap.h"
#include "stages/launch/launch.h"
#include "stages/launch/machine_part.h"
#include "stages/launch/network_machine.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CODE	   FAULT_RUN_LAUNCH
#define PATH	   "launch.machine.command"
#define MIB	   ((uint64_t)1 << 20)
#define VCPU_MAX   32 /* as in a bundle's machine-config */
#define WORD_MAX   512
#define WORDS_ROOM 160

/* The guest's own kernel and its tables: what the policy's memory is for is the command. */
#define KERNEL_MIB 128
/* QEMU itself, and under TCG what it translates the guest's code into. */
#define QEMU_MIB      96
#define TRANSLATE_MIB 128
#define TCG_MIB	      (TRANSLATE_MIB + 64)

/*
 * panic=-1 and reboot=t with -no-reboot: a guest that breaks ends the VMM at once. The console says
 * warnings and worse. cryptomgr.notests: at each boot Debian's kernel tries its ciphers on known
 * answers, which nothing in a guest depends on; without KVM that is a fifth of all a boot takes.
 */
#define KERNEL_COMMAND "console=ttyS0 panic=-1 reboot=t loglevel=4 quiet cryptomgr.notests"

/* One more virtual processor for each period begun of the quota; not more than the host has. */
static uint64_t count_vcpus(const struct cgroup_limits *limits)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t most = online > 0 && online < VCPU_MAX ? (uint64_t)online : 1;
	uint64_t count = most;

	if (online >= VCPU_MAX)
		most = count = VCPU_MAX;
	if (limits->cpu_set)
		count = (limits->cpu_quota_us + limits->cpu_period_us - 1) / limits->cpu_period_us;
	return count < most ? count : most;
}

/*
 * Without KVM there is one processor: with two, about one start in two hundred on a busy host (QEMU
 * 7.2, Linux 6.1) stood still for good where the first waits for the second.
 */
void machine_size(struct machine *machine, const struct plan *plan)
{
	machine->memory_mib = (plan->cgroup_limits.memory_max + MIB - 1) / MIB + KERNEL_MIB;
	machine->vcpus =
		machine->accel == MACHINE_ACCEL_KVM ? count_vcpus(&plan->cgroup_limits) : 1;
}

uint64_t machine_room(const struct machine *machine)
{
	bool translates = machine->accel != MACHINE_ACCEL_KVM || machine->can_fall_back;

	return (translates ? QEMU_MIB + TCG_MIB : QEMU_MIB) * MIB;
}

struct words {
	struct plan *plan;
	char **argv;
	size_t count;
	bool full;
};

__attribute__((format(printf, 2, 3))) static void add(struct words *words, const char *format, ...)
{
	char text[WORD_MAX];
	const char *kept;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	kept = len < (int)sizeof text ? plan_text(words->plan, text) : NULL;
	if (kept == NULL || words->count == WORDS_ROOM)
		words->full = true;
	else
		words->argv[words->count++] = (char *)kept;
}

static void add_pair(struct words *words, const char *option, const char *value)
{
	add(words, "%s", option);
	add(words, "%s", value);
}

/* No default device, no configuration file, no monitor, no display, no program of QEMU's own. */
static void add_machine(struct words *words, const struct machine *machine, bool kvm)
{
	add_pair(words, "-M", "microvm,acpi=on,rtc=on,isa-serial=on,auto-kernel-cmdline=off");
	add(words, "-accel");
	if (kvm)
		add(words, "kvm");
	else
		add(words, "tcg,tb-size=%d", TRANSLATE_MIB);
	add_pair(words, "-cpu", kvm ? "host" : "max");
	add(words, "-m");
	add(words, "%" PRIu64 "M", machine->memory_mib);
	add(words, "-smp");
	add(words, "%" PRIu64, machine->vcpus);
	add(words, "-nodefaults");
	add(words, "-no-user-config");
	add(words, "-nographic");
	add(words, "-no-reboot");
	add_pair(words, "-sandbox",
		 "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
	add_pair(words, "-name", "safe-run");
	add_pair(words, "-kernel", MACHINE_PLACE "/kernel");
	add_pair(words, "-initrd", MACHINE_PLACE "/initramfs");
	add(words, "-append");
	/* Under TCG the guest reads the host's counter, and has nothing good to measure it with. */
	if (kvm)
		add(words, "%s", KERNEL_COMMAND);
	else
		add(words, "%s tsc_early_khz=%" PRId64, KERNEL_COMMAND, machine->tsc_khz);
	/* The console goes out only: what is read is the end of /dev/null. */
	add_pair(words, "-chardev", "stdio,id=console,signal=off,mux=off");
	add_pair(words, "-serial", "chardev:console");
}

/* raw, spelled out: no byte of an image can name a format, a backing file or anything else. */
static void add_drive(struct words *words, size_t index, const char *name)
{
	add(words, "-blockdev");
	add(words,
	    "driver=file,node-name=f%zu,filename=" MACHINE_PLACE
	    "/%s,read-only=on,auto-read-only=off,locking=off,cache.direct=off,cache.no-flush=on",
	    index, name);
	add(words, "-blockdev");
	add(words, "driver=raw,node-name=d%zu,file=f%zu,read-only=on", index, index);
	add(words, "-device");
	add(words, "virtio-blk-device,drive=d%zu,serial=%s", index, name);
}

static void add_drives(struct words *words, const struct machine *machine)
{
	char name[32];

	add_drive(words, 0, "rootfs");
	for (size_t i = 0; i < machine->volume_count; i++) {
		(void)snprintf(name, sizeof name, "volume%zu", i);
		add_drive(words, i + 1, name);
	}
}

/* Each a unix socket sr-guest listens on; the VMM's working directory is theirs. */
static void add_streams(struct words *words, const struct machine *machine)
{
	static const char *const streams[] = {"control", "stdin", "stdout", "stderr", "outputs"};

	(void)machine;
	add_pair(words, "-device", "virtio-serial-device,max_ports=8");
	for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
		add(words, "-chardev");
		add(words, "socket,id=%s,path=%s,server=off", streams[i], streams[i]);
		add(words, "-device");
		add(words, "virtserialport,chardev=%s,name=org.safe-run.%s", streams[i],
		    streams[i]);
	}
	add_pair(words, "-object", "rng-random,id=random,filename=/dev/urandom");
	add_pair(words, "-device", "virtio-rng-device,rng=random");
}

/*
 * Frames as they are, one after the other, by the descriptor init made: no vhost, which is the
 * host's kernel, and nothing the guest could leave to the host to compute or to filter.
 */
static void add_network(struct words *words)
{
	add(words, "-netdev");
	add(words, "tap,id=net,fd=%d,vhost=off", NETWORK_MACHINE_TAP_FD);
	add_pair(words, "-device",
		 "virtio-net-device,netdev=net,mac=" TAP_GUEST_MAC
		 ",mq=off,ctrl_vq=off,ctrl_rx=off,ctrl_rx_extra=off,ctrl_vlan=off,"
		 "ctrl_mac_addr=off,ctrl_guest_offloads=off,guest_announce=off,csum=off,"
		 "guest_csum=off,gso=off,host_tso4=off,host_tso6=off,host_ecn=off,host_ufo=off,"
		 "guest_tso4=off,guest_tso6=off,guest_ecn=off,guest_ufo=off");
}

static void hash_words(const struct words *words, char hash[DIGEST_TEXT_SIZE])
{
	struct digest *digest = digest_new();
	uint8_t value[DIGEST_SIZE];

	/* With its NUL each: words cannot move into each other. */
	for (size_t i = 0; i < words->count; i++)
		digest_update(digest, words->argv[i], strlen(words->argv[i]) + 1);
	digest_value(digest, value);
	digest_free(digest);
	digest_text(value, hash);
}

static enum fault_code compose(const struct machine *machine, bool kvm, struct words *words,
			       char hash[DIGEST_TEXT_SIZE], struct fault *fault)
{
	add(words, "%s", machine->vmm_path);
	add_machine(words, machine, kvm);
	add_drives(words, machine);
	add_streams(words, machine);
	if (words->plan->machine.tap[0] != '\0')
		add_network(words);
	if (words->full)
		return fault_set(fault, CODE, PATH, "the VMM's command line has no room");
	words->argv[words->count] = NULL;
	hash_words(words, hash);
	return FAULT_NONE;
}

/* Behind the first one's words, which have all the room they may need. */
static enum fault_code compose_spare(struct machine *machine, struct plan *plan,
				     const struct words *first, struct fault *fault)
{
	struct words words = {.plan = plan, .argv = first->argv + WORDS_ROOM + 1};

	if (!machine->can_fall_back)
		return FAULT_NONE;
	if (compose(machine, false, &words, machine->spare_hash, fault) != FAULT_NONE)
		return fault->code;
	plan->machine.spare_argv = words.argv;
	plan->machine.spare_arg_count = words.count;
	return FAULT_NONE;
}

enum fault_code machine_command(struct launch *launch, struct fault *fault)
{
	struct machine *machine = launch->machine;
	struct plan *plan = launch->plan;
	struct words words = {.plan = plan};
	size_t envp_used = 0;

	/* Behind the job's own, which the same memory holds. */
	words.argv = plan->argv_space + machine->job.arg_count + 1;
	while (plan->envp[envp_used] != NULL)
		envp_used++;
	if (machine->job.arg_count + 1 + 2 * (WORDS_ROOM + 1) > PLAN_ARG_MAX ||
	    envp_used + 2 > PLAN_ENV_MAX)
		return fault_set(fault, CODE, PATH,
				 "the command has too many arguments or variables for a machine");
	if (compose(machine, machine->accel == MACHINE_ACCEL_KVM, &words,
		    machine->command_line_hash, fault) != FAULT_NONE ||
	    compose_spare(machine, plan, &words, fault) != FAULT_NONE)
		return fault->code;
	plan->argv = words.argv;
	plan->arg_count = words.count;
	plan->envp = plan->envp_space + envp_used + 1;
	plan->envp[0] = NULL;
	return FAULT_NONE;
}
