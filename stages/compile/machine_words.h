/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMPILE_MACHINE_WORDS_H
#define COMPILE_MACHINE_WORDS_H

/* What is the same in every firecrackerConfig and jailerPlan: the launcher holds a bundle to it. */

#define MACHINE_VCPU_MAX 32 /* MachineConfiguration.vcpu_count */

/*
 * There is no PCI bus to probe, and nothing behind the keyboard controller to wait for. A panic
 * reboots at once, which ends the VMM: a guest that broke cannot linger.
 */
#define MACHINE_BOOT_ARGS                                                                          \
	"console=ttyS0 reboot=k panic=-1 pci=off i8042.noaux i8042.nomux "                         \
	"i8042.nopnp i8042.dumbkbd quiet ro"

#define MACHINE_GUEST_CID 3 /* the lowest a guest may have (vsock(7)) */

#define MACHINE_JAIL_BASE     "/srv/jailer"
#define MACHINE_JAIL_EXEC     "/usr/bin/firecracker"
#define MACHINE_JAIL_CGROUP   "safe-run"
#define MACHINE_JAIL_FILES    1024 /* descriptors of the VMM: drives, vsock connections, a tap */
#define MACHINE_JAIL_ROOM_MIB 64   /* the VMM's own memory is charged to the same group */

#endif
