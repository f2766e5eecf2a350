/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SC1, SC5: system calls nobody inside has business with, by number. Every argument is -1, so that
 * even root's control run changes nothing: a call that is let through says EFAULT, EINVAL, EBADF or
 * the like, and only one the filter refuses says what the filter says.
 */
#include "tell.h"

#include <sys/syscall.h>
#include <unistd.h>

static const struct {
	const char *name;
	long number;
} calls[] = {
	{"io_uring_setup", SYS_io_uring_setup},
	{"io_uring_enter", SYS_io_uring_enter},
	{"io_uring_register", SYS_io_uring_register},
	{"bpf", SYS_bpf},
	{"keyctl", SYS_keyctl},
	{"add_key", SYS_add_key},
	{"request_key", SYS_request_key},
	{"perf_event_open", SYS_perf_event_open},
	{"userfaultfd", SYS_userfaultfd},
	{"kexec_load", SYS_kexec_load},
	{"kexec_file_load", SYS_kexec_file_load},
	{"init_module", SYS_init_module},
	{"finit_module", SYS_finit_module},
	{"delete_module", SYS_delete_module},
	{"ptrace", SYS_ptrace},
	{"process_vm_readv", SYS_process_vm_readv},
	{"process_vm_writev", SYS_process_vm_writev},
	{"process_madvise", SYS_process_madvise},
	{"pidfd_getfd", SYS_pidfd_getfd},
	{"kcmp", SYS_kcmp},
	{"mount", SYS_mount},
	{"umount2", SYS_umount2},
	{"pivot_root", SYS_pivot_root},
	{"chroot", SYS_chroot},
	{"setns", SYS_setns},
	{"fsopen", SYS_fsopen},
	{"fsconfig", SYS_fsconfig},
	{"fsmount", SYS_fsmount},
	{"fspick", SYS_fspick},
	{"open_tree", SYS_open_tree},
	{"move_mount", SYS_move_mount},
	{"mount_setattr", SYS_mount_setattr},
	{"name_to_handle_at", SYS_name_to_handle_at},
	{"open_by_handle_at", SYS_open_by_handle_at},
	{"fanotify_init", SYS_fanotify_init},
	{"clock_settime", SYS_clock_settime},
	{"settimeofday", SYS_settimeofday},
	{"sethostname", SYS_sethostname},
	{"reboot", SYS_reboot},
	{"swapon", SYS_swapon},
	{"acct", SYS_acct},
	{"iopl", SYS_iopl},
	{"ioperm", SYS_ioperm},
	{"modify_ldt", SYS_modify_ldt},
	{"syslog", SYS_syslog},
	{"quotactl", SYS_quotactl},
	{"migrate_pages", SYS_migrate_pages},
	{"clone3", SYS_clone3},
	{"openat2", SYS_openat2},
	{"io_setup", SYS_io_setup},
	{"lookup_dcookie", SYS_lookup_dcookie},
	{"mq_open", SYS_mq_open},
	{"memfd_secret", SYS_memfd_secret},
	{"number-460", 460},
	{"number-511", 511},
	{"number-1000000", 1000000},
};

int main(void)
{
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		tell(calls[i].name, syscall(calls[i].number, -1L, -1L, -1L, -1L, -1L, -1L));
	return 0;
}
