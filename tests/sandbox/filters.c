/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every profile and filter against every class of system call, by trying it. A row is one call,
 * with arguments that do no harm where it is allowed; a column is one profile or filter.
 */
#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARGUMENTS_MAX 6
#define PROBE_BROKEN  200
#define EXIT_SIGSYS   (128 + SIGSYS)
#define BAD	      "-1" /* a descriptor or address that is none */
#define STR(value)    #value
#define TEXT(value)   STR(value)

/*
 * What a cell says: K killed, N ENOSYS, P EPERM, F EAFNOSUPPORT, L EACCES from Landlock, a answered
 * by the kernel with anything but ENOSYS.
 */
static const struct column {
	const char *kind;
	const char *name;
} columns[] = {
	{"profile", "validate"},     {"profile", "compile"},	  {"profile", "launch"},
	{"profile", "monitor"},	     {"profile", "seal"},	  {"profile", "verify"},
	{"profile", "canon"},	     {"filter", "launch-parent"}, {"filter", "launch-init"},
	{"filter", "strict"},	     {"filter", "standard"},	  {"filter", "standard-net"},
	{"profile", "collect"},	     {"profile", "deposit"},	  {"profile", "export"},
	{"profile", "diff"},	     {"profile", "inspect"},	  {"profile", "compare"},
	{"profile", "prove"},	     {"profile", "archive"},	  {"profile", "signer"},
	{"profile", "key"},	     {"profile", "tree"},	  {"profile", "unpack"},
	{"profile", "machine"},	     {"filter", "vmm"},		  {"profile", "ed25519"},
	{"profile", "guest"},	     {"profile", "image"},	  {"profile", "artifact"},
	{"profile", "filter"},	     {"profile", "uplink"},	  {"profile", "usernet"},
	{"filter", "usernet-watch"}, {"profile", "resolve"},	  {"profile", "egress"},
	{"profile", "jail"},	     {"profile", "version"},
};

#define COLUMN_COUNT (sizeof columns / sizeof *columns)

struct row {
	const char *what;
	const char *number; /* NULL: from call */
	long call;
	const char *arguments[ARGUMENTS_MAX];
	const char *cells;
};

/*                      validate compile launch monitor seal verify canon, parent init, strict
 * standard net, collect deposit export diff, inspect compare, prove archive, signer key, tree
 * unpack, machine, vmm, ed25519, guest, image, artifact, filter uplink, usernet usernet-watch, jail version */
static const struct row rows[] = {
	/* memory */
	{"brk", NULL, SYS_brk, {"0"}, "aaaaaaa aa aaa aaaa aa aa aa aa a a a a a a aa aa aa aa"},
	{"mmap",
	 NULL,
	 SYS_mmap,
	 {"0", "4096", "3", "0x22", BAD, "0"},
	 "aaaaaaa aa aaa aaaa aa aa aa aa a a a a a a aa aa aa aa"},
	{"mmap executable",
	 NULL,
	 SYS_mmap,
	 {"0", "4096", "5", "0x22", BAD, "0"},
	 "KKaKKKK KK aaa KKKa KK KK KK KK K a K K K K KK aK KK aa"},
	{"mprotect executable",
	 NULL,
	 SYS_mprotect,
	 {"0", "0", "5"},
	 "KKaKKKK KK aaa KKKa KK KK KK KK K a K K K K KK aK KK aa"},
	{"munmap",
	 NULL,
	 SYS_munmap,
	 {"1", "0"},
	 "aaaaaaa aa aaa aaaa aa aa aa aa a a a a a a aa aa aa aa"},
	{"memfd_create",
	 NULL,
	 SYS_memfd_create,
	 {"@m", "0"},
	 "KKaKaKK KK Paa KKKN KK KK KK KK K a K K K K KK NK KK aN"},
	/* descriptors */
	{"read",
	 NULL,
	 SYS_read,
	 {BAD, "0", "0"},
	 "aaaaaaa aa aaa aaaa aa aa aa aa a a a a a a aa aa aa aa"},
	{"write",
	 NULL,
	 SYS_write,
	 {BAD, "0", "0"},
	 "aaaaaaa aa aaa aaaa aa aa aa aa a a a a a a aa aa aa aa"},
	{"close",
	 NULL,
	 SYS_close,
	 {BAD},
	 "aaaaaaK aa aaa aaaa aK aa aa aa a a a a a a aa aa aa aa"},
	{"dup2",
	 NULL,
	 SYS_dup2,
	 {BAD, "9"},
	 "KKaKKKK KK aaa KKKa KK KK KK KK K a K K K K KK aK KK aa"},
	{"pipe",
	 NULL,
	 SYS_pipe2,
	 {"0", "0"},
	 "KKaKKKK KK aaa KKKa KK KK KK KK K a K K K K KK aK Ka aa"},
	{"poll",
	 NULL,
	 SYS_poll,
	 {"0", "0", "0"},
	 "KKaaKKK aa aaa KKKa KK KK aK KK K a K a K K aa aa aa aa"},
	{"fcntl F_GETFL",
	 NULL,
	 SYS_fcntl,
	 {BAD, "3"},
	 "KKaKKKK aK aaa KKKa KK Ka KK KK K a K K K K KK aK KK aa"},
	{"fcntl F_DUPFD",
	 NULL,
	 SYS_fcntl,
	 {BAD, "0"},
	 "KKaKKKK aK aaa KKKa KK KK KK KK K a K K K K KK aK KK aa"},
	{"splice",
	 NULL,
	 SYS_splice,
	 {BAD, "0", BAD, "0", "1", "0"},
	 "KKaKKKK KK aaa KKKN KK KK KK KK K N K K K K KK aK Ka aN"},
	{"ioctl TIOCGWINSZ",
	 NULL,
	 SYS_ioctl,
	 {BAD, "0x5413"},
	 "KKaKKKK KK aaa KKKN KK KK KK KK K N K K K K KK NK KK aN"},
	{"ioctl TUNGETIFF",
	 NULL,
	 SYS_ioctl,
	 {BAD, TEXT(0x800454d2)},
	 "KKaKKKK KK NNN KKKN KK KK KK KK K a K K K K KK aK KK aN"},
	{"ioctl TUNSETOFFLOAD, none",
	 NULL,
	 SYS_ioctl,
	 {BAD, TEXT(0x400454d0), "0"},
	 "KKaKKKK KK NNN KKKN KK KK KK KK K a K K K K KK NK KK aN"},
	{"ioctl TUNSETOFFLOAD, checksums",
	 NULL,
	 SYS_ioctl,
	 {BAD, TEXT(0x400454d0), "1"},
	 "KKaKKKK KK NNN KKKN KK KK KK KK K N K K K K KK NK KK aN"},
	{"ioctl TUNSETIFF",
	 NULL,
	 SYS_ioctl,
	 {BAD, TEXT(0x400454ca), "0"},
	 "KKaKKKK KK NNN KKKN KK KK KK KK K N K K K K KK aK KK aN"},
	{"ioctl TIOCSTI",
	 NULL,
	 SYS_ioctl,
	 {BAD, "0x5412"},
	 "KKaKKKK KK PPP KKKN KK KK KK KK K P K K K K KK NK KK aN"},
	{"ioctl TIOCSTI, high bits",
	 NULL,
	 SYS_ioctl,
	 {BAD, "0x100005412"},
	 "KKaKKKK KK PPP KKKN KK KK KK KK K P K K K K KK NK KK aN"},
	{"ioctl TIOCLINUX, high bits",
	 NULL,
	 SYS_ioctl,
	 {BAD, "0x10000541c"},
	 "KKaKKKK KK PPP KKKN KK KK KK KK K N K K K K KK NK KK aN"},
	/* files by name; "a" in launch and the workload filters, where mounts decide */
	{"open for reading",
	 NULL,
	 SYS_openat,
	 {"-100", "@/etc/passwd", "0"},
	 "KKaLLKK aK aaa KLLL KK KL KK KK K a K K K a Ka aK KK aa"},
	{"open O_PATH",
	 NULL,
	 SYS_openat,
	 {"-100", "@/etc", TEXT(010000000)},
	 "aKaaaKK aK aaa Kaaa KK Ka KK KK K a K K K a Ka aK KK aa"},
	{"open for writing",
	 NULL,
	 SYS_openat,
	 {"-100", "@/dev/null", "1"},
	 "KKaLLKK aK Laa KLLL KK KL KK KK K a K K K a Ka aK KK aa"},
	{"open a directory",
	 NULL,
	 SYS_openat,
	 {"-100", "@/etc", "0x10000"},
	 "KKaLLKK aK aaa KLLL KK KL KK KK K a K K K a Ka aK KK aa"},
	{"openat2",
	 NULL,
	 SYS_openat2,
	 {BAD, "0", "0", "0"},
	 "aKaaKKK aK NNN aaaa KK KK KK aa a N K a a a KK aK KK aN"},
	{"stat",
	 NULL,
	 SYS_newfstatat,
	 {"-100", "@/etc", "0", "0"},
	 "aKaKaKK aK aaa aaaa KK Ka KK aa a a K K a a KK aK KK aa"},
	{"readlinkat",
	 NULL,
	 SYS_readlinkat,
	 {"-100", "@/etc", "0", "1"},
	 "aKaKKKK aK aaa aKKN KK KK KK aK K a K K a K KK aK KK aa"},
	{"getdents64",
	 NULL,
	 SYS_getdents64,
	 {BAD, "0", "0"},
	 "KKaKKKK aK aaa aKKN KK Ka KK aa K a K K a K KK aK KK aa"},
	{"mkdirat",
	 NULL,
	 SYS_mkdirat,
	 {BAD, "@d", "0"},
	 "KKaKKKK KK Naa KaaN KK Ka KK Ka K P K a K K KK NK KK aN"},
	{"unlinkat",
	 NULL,
	 SYS_unlinkat,
	 {BAD, "@d", "0"},
	 "KKaKaKK aK Naa KaaN KK Ka KK Ka K P K K K K KK NK KK aN"},
	{"renameat2",
	 NULL,
	 SYS_renameat2,
	 {BAD, "@a", BAD, "@b", "0"},
	 "KKaKaKK KK Naa KKKN KK Ka KK Ka K P K K K K KK NK KK aN"},
	{"linkat",
	 NULL,
	 SYS_linkat,
	 {BAD, "@a", BAD, "@b", "0"},
	 "KKaKKKK KK Naa KKKN KK KK KK Ka K P K K K K KK NK KK aN"},
	{"symlinkat",
	 NULL,
	 SYS_symlinkat,
	 {"@a", BAD, "@b"},
	 "KKaKKKK KK Naa KKKN KK KK KK Ka K P K a K K KK NK KK aN"},
	{"chmod setuid",
	 NULL,
	 SYS_chmod,
	 {"@/nowhere", "04755"},
	 "KKaKKKK KK NPP KKKN KK KK KK KK K N K K K K KK NK KK aN"},
	{"mknod device",
	 NULL,
	 SYS_mknodat,
	 {BAD, "@n", "020000", "0"},
	 "KKaKKKK KK PPP KKKN KK KK KK KK K N K K K K KK NK KK aN"},
	{"fdatasync",
	 NULL,
	 SYS_fdatasync,
	 {BAD},
	 "KKaKaKK KK Naa KKaN KK Ka KK KK K a K K K K KK NK KK aN"},
	{"open_by_handle_at",
	 NULL,
	 SYS_open_by_handle_at,
	 {BAD, "0", "0"},
	 "KKNKKKK KK PPP KKKN KK KK KK KK K P K K K K KK NK KK NN"},
	{"chroot",
	 NULL,
	 SYS_chroot,
	 {"@/nowhere"},
	 "KKaKKKK KK PPP KKKN KK KK KK KK K P K K K K KK NK KK aN"},
	{"mount",
	 NULL,
	 SYS_mount,
	 {"0", "@/nowhere", "0", "0", "0"},
	 "KKaKKKK KK PPP KKKN KK KK KK KK K P K K K K KK aK KK aN"},
	{"umount2",
	 NULL,
	 SYS_umount2,
	 {"@/nowhere", "0"},
	 "KKaKKKK KK PPP KKKN KK KK KK KK K P K K K K KK aK KK aN"},
	{"pivot_root",
	 NULL,
	 SYS_pivot_root,
	 {"@/nowhere", "@/nowhere"},
	 "KKaKKKK KK PPP KKKN KK KK KK KK K P K K K K KK aK KK aN"},
	{"fsopen",
	 NULL,
	 SYS_fsopen,
	 {"0", "0"},
	 "KKaKKKK KK PPP KKKN KK KK KK KK K P K K K K KK NK KK aN"},
	{"open_tree",
	 NULL,
	 SYS_open_tree,
	 {BAD, "@a", "0"},
	 "KKaKKKK KK PPP KKKN KK KK KK KK K P K K K K KK NK KK aN"},
	/* processes */
	{"fork", NULL, SYS_fork, {NULL}, "KKaKKKK KK Paa KKKN KK KK KK KK K N K K K K KK aK KK aN"},
	{"execve",
	 NULL,
	 SYS_execve,
	 {"@/nowhere", "0", "0"},
	 "KKaKKKK KK Paa KKKN KK KK KK KK K a K K K K KK aK KK aN"},
	{"execveat",
	 NULL,
	 SYS_execveat,
	 {BAD, "@/nowhere", "0", "0", "0"},
	 "KKaKKKK KK Paa KKKa KK KK KK KK K a K K K K KK aK KK aa"},
	{"clone3",
	 NULL,
	 SYS_clone3,
	 {"0", "0"},
	 "KKaKKKK KK NNN KKKN KK KK KK KK K N K K K K KK NK KK aN"},
	{"clone user namespace",
	 NULL,
	 SYS_clone,
	 {"0x10000000"},
	 "KKaKKKK KK PPP KKKN KK KK KK KK K P K K K K KK NK KK aN"},
	{"unshare user namespace",
	 NULL,
	 SYS_unshare,
	 {"0x10000000"},
	 "KKaKKKK KK PPP KKKN KK KK KK KK K N K K K K KK aK KK aN"},
	{"unshare, high bits",
	 NULL,
	 SYS_unshare,
	 {"0x110000000"},
	 "KKaKKKK KK PPP KKKN KK KK KK KK K N K K K K KK aK KK aN"},
	{"setns",
	 NULL,
	 SYS_setns,
	 {BAD, "0"},
	 "KKaKKKK KK PPP KKKN KK KK KK KK K P K K K K KK aK KK aN"},
	{"wait4",
	 NULL,
	 SYS_wait4,
	 {BAD, "0", "1", "0"},
	 "KKaKKKK aa aaa KKKa KK KK KK KK K N K K K K KK aK KK aa"},
	{"kill",
	 NULL,
	 SYS_kill,
	 {"0x7fffffff", "0"},
	 "KKaKKKK aa aaa KKKN KK KK KK KK K N K K K K KK aa KK aa"},
	{"pidfd_send_signal",
	 NULL,
	 SYS_pidfd_send_signal,
	 {BAD, "0", "0", "0"},
	 "KKaKKKK aa Naa KKKN KK KK KK KK K N K K K K KK aK KK aN"},
	{"ptrace",
	 NULL,
	 SYS_ptrace,
	 {"16", "0x7fffffff"},
	 "KKNKKKK KK PPP KKKN KK KK KK KK K P K K K K KK NK KK NN"},
	{"process_vm_readv",
	 NULL,
	 SYS_process_vm_readv,
	 {"1", "0", "0", "0", "0", "0"},
	 "KKNKKKK KK PPP KKKN KK KK KK KK K P K K K K KK NK KK NN"},
	{"pidfd_getfd",
	 NULL,
	 SYS_pidfd_getfd,
	 {BAD, "0", "0"},
	 "KKaKKKK KK PPP KKKN KK KK KK KK K P K K K K KK NK KK aN"},
	{"prctl PR_SET_DUMPABLE",
	 NULL,
	 SYS_prctl,
	 {"4", "2"},
	 "KKaKKKK KK aaa KKKN KK KK KK KK K a K K K K KK aK KK aN"},
	{"prctl PR_SET_MM",
	 NULL,
	 SYS_prctl,
	 {"35", "0"},
	 "KKaKKKK KK PPP KKKN KK KK KK KK K N K K K K KK aK KK aN"},
	{"seccomp",
	 NULL,
	 SYS_seccomp,
	 {"1", "0", "0"},
	 "KKaKKKK KK Naa KKKN KK KK KK KK K a K K K K KK aK KK aN"},
	{"getpid",
	 NULL,
	 SYS_getpid,
	 {NULL},
	 "KKaKKKK aa aaa KKKa KK Ka aa KK K a K K K K KK aK KK aa"},
	/* identity */
	{"setuid",
	 NULL,
	 SYS_setuid,
	 {BAD},
	 "KKaKKKK KK Naa KKKN KK KK KK KK K N K K K K KK aK KK aN"},
	{"setresuid",
	 NULL,
	 SYS_setresuid,
	 {BAD, BAD, BAD},
	 "KKaKKKK KK Naa KKKN KK KK KK KK K N K K K K KK aK KK aN"},
	{"setgroups",
	 NULL,
	 SYS_setgroups,
	 {"-1", "0"},
	 "KKaKKKK KK Naa KKKN KK KK KK KK K N K K K K KK aK KK aN"},
	{"capset",
	 NULL,
	 SYS_capset,
	 {"0", "0"},
	 "KKaKKKK KK Naa KKKN KK KK KK KK K N K K K K KK aK KK aN"},
	/* sockets */
	{"socket unix",
	 NULL,
	 SYS_socket,
	 {"1", "1", "0"},
	 "KKaKKKK KK Paa KKKN KK KK KK KK K a K K K K Ka NK KK aN"},
	{"socket inet",
	 NULL,
	 SYS_socket,
	 {"2", "1", "0"},
	 "KKaKKKK KK PFa KKKN KK KK KK KK K F K K K K KK aK aa aN"},
	{"socket inet raw",
	 NULL,
	 SYS_socket,
	 {"2", "3", "255"},
	 "KKaKKKK KK PFP KKKN KK KK KK KK K F K K K K KK NK KK aN"},
	{"socket netlink",
	 NULL,
	 SYS_socket,
	 {"16", "3", "0"},
	 "KKaKKKK KK PFF KKKN KK KK KK KK K F K K K K aa aK KK aN"},
	{"socket vsock",
	 NULL,
	 SYS_socket,
	 {"40", "1", "0"},
	 "KKaKKKK KK PFF KKKN KK KK KK KK K F K K K K KK NK KK aN"},
	{"socketpair vsock",
	 NULL,
	 SYS_socketpair,
	 {"40", "1", "0", "0"},
	 "KKaKKKK KK PFF KKKN KK KK KK KK K N K K K K KK NK KK aN"},
	{"connect",
	 NULL,
	 SYS_connect,
	 {BAD, "0", "0"},
	 "KKaKKKK KK Paa KKKN KK KK KK KK K a K K K K KK aK aa aN"},
	{"bind",
	 NULL,
	 SYS_bind,
	 {BAD, "0", "0"},
	 "KKaKKKK KK Paa KKKN KK KK KK KK K N K K K K aa aK KK aN"},
	/* time, randomness, limits */
	{"clock_gettime",
	 NULL,
	 SYS_clock_gettime,
	 {"1", "1"},
	 "KKaaaKK aK aaa KKKN KK Ka aK Ka a a K a K K KK aa aa aa"},
	{"restart_syscall",
	 NULL,
	 SYS_restart_syscall,
	 {"0"},
	 "KKaaKKK aa aaa KKKa aa aa aK KK a a K a K K aa aa aa aa"},
	{"nanosleep",
	 NULL,
	 SYS_nanosleep,
	 {"0", "0"},
	 "KKaKKKK aK aaa KKKN KK KK KK KK K a K K K K KK aK KK aN"},
	{"getrandom",
	 NULL,
	 SYS_getrandom,
	 {"0", "0", "0"},
	 "KKaKKKK KK aaa KKKa KK Ka aa KK K a K K K K KK aK aa aa"},
	{"prlimit64",
	 NULL,
	 SYS_prlimit64,
	 {"0", "7", "0", "0"},
	 "KKaKKKK KK aaa KKKa KK KK KK KK K a K K K K KK aK KK aa"},
	{"prlimit64, high bits",
	 NULL,
	 SYS_prlimit64,
	 {"0", "0x100000004", "1"},
	 "KKaKKKK KK NNN KKKa KK KK KK KK K N K K K K KK aK KK aa"},
	{"clock_settime",
	 NULL,
	 SYS_clock_settime,
	 {"99", "0"},
	 "KKNKKKK KK PPP KKKN KK KK KK KK K P K K K K KK NK KK NN"},
	/* never, anywhere */
	{"io_uring_setup",
	 NULL,
	 SYS_io_uring_setup,
	 {"0", "0"},
	 "KKNKKKK KK PPP KKKN KK KK KK KK K P K K K K KK NK KK NN"},
	{"io_uring_enter",
	 NULL,
	 SYS_io_uring_enter,
	 {BAD},
	 "KKNKKKK KK PPP KKKN KK KK KK KK K P K K K K KK NK KK NN"},
	{"bpf",
	 NULL,
	 SYS_bpf,
	 {"0", "0", "0"},
	 "KKNKKKK KK PPP KKKN KK KK KK KK K P K K K K KK NK KK NN"},
	{"perf_event_open",
	 NULL,
	 SYS_perf_event_open,
	 {"0", "0", "0", "0", "0"},
	 "KKNKKKK KK PPP KKKN KK KK KK KK K P K K K K KK NK KK NN"},
	{"userfaultfd",
	 NULL,
	 SYS_userfaultfd,
	 {"0xffff"},
	 "KKNKKKK KK PPP KKKN KK KK KK KK K P K K K K KK NK KK NN"},
	{"keyctl",
	 NULL,
	 SYS_keyctl,
	 {"99"},
	 "KKNKKKK KK PPP KKKN KK KK KK KK K P K K K K KK NK KK NN"},
	{"add_key",
	 NULL,
	 SYS_add_key,
	 {"0", "0", "0", "0", "0"},
	 "KKNKKKK KK PPP KKKN KK KK KK KK K P K K K K KK NK KK NN"},
	{"init_module",
	 NULL,
	 SYS_init_module,
	 {"0", "0", "0"},
	 "KKNKKKK KK PPP KKKN KK KK KK KK K P K K K K KK NK KK NN"},
	{"finit_module",
	 NULL,
	 SYS_finit_module,
	 {BAD, "0", "0"},
	 "KKNKKKK KK PPP KKKN KK KK KK KK K P K K K K KK NK KK NN"},
	{"kexec_load",
	 NULL,
	 SYS_kexec_load,
	 {"0", "999", "0", "0"},
	 "KKNKKKK KK PPP KKKN KK KK KK KK K P K K K K KK NK KK NN"},
	{"reboot",
	 NULL,
	 SYS_reboot,
	 {"0", "0", "0", "0"},
	 "KKNKKKK KK PPP KKKN KK KK KK KK K P K K K K KK NK KK NN"},
	{"swapon",
	 NULL,
	 SYS_swapon,
	 {"@/nowhere", "0"},
	 "KKNKKKK KK PPP KKKN KK KK KK KK K P K K K K KK NK KK NN"},
	{"iopl", NULL, 172, {"0"}, "KKNKKKK KK PPP KKKN KK KK KK KK K P K K K K KK NK KK NN"},
	{"modify_ldt",
	 NULL,
	 SYS_modify_ldt,
	 {"99", "0", "0"},
	 "KKNKKKK KK PPP KKKN KK KK KK KK K P K K K K KK NK KK NN"},
	{"unknown number",
	 NULL,
	 5000,
	 {NULL},
	 "KKNKKKK KK NNN KKKN KK KK KK KK K N K K K K KK NK KK NN"},
	{"int 0x80, getpid",
	 "int80:20",
	 0,
	 {NULL},
	 "KKKKKKK KK KKK KKKK KK KK KK KK K K K K K K KK KK KK KK"},
	{"int 0x80, socketcall",
	 "int80:102",
	 0,
	 {NULL},
	 "KKKKKKK KK KKK KKKK KK KK KK KK K K K K K K KK KK KK KK"},
	{"x32 getpid",
	 NULL,
	 0x40000000 + SYS_getpid,
	 {NULL},
	 "KKKKKKK KK KKK KKKK KK KK KK KK K K K K K K KK KK KK KK"},
	{"x32 ioctl",
	 NULL,
	 0x40000000 + 514,
	 {NULL},
	 "KKKKKKK KK KKK KKKK KK KK KK KK K K K K K K KK KK KK KK"},
};

static int probe(const struct column *column, const struct row *row)
{
	const char *argv[5 + ARGUMENTS_MAX] = {child_helper("sandbox-probe"), column->kind,
					       column->name};
	struct child_result result;
	char number[32];
	size_t count = 3;
	int status;

	snprintf(number, sizeof number, "%ld", row->call);
	argv[count++] = row->number ? row->number : number;
	for (size_t i = 0; i < ARGUMENTS_MAX && row->arguments[i]; i++)
		argv[count++] = row->arguments[i];
	child_run(argv, NULL, 0, NULL, &result);
	status = result.status;
	cr_expect_str_empty(result.err);
	child_release(&result);
	return status;
}

static bool cell_holds(char cell, int status)
{
	switch (cell) {
	case 'K':
		return status == EXIT_SIGSYS;
	case 'N':
		return status == ENOSYS;
	case 'P':
		return status == EPERM;
	case 'F':
		return status == EAFNOSUPPORT;
	case 'L':
		return status == EACCES;
	case 'a':
		return status != EXIT_SIGSYS && status != ENOSYS && status < EXIT_SIGSYS - 31;
	default:
		return false;
	}
}

static void try_column(size_t at)
{
#ifdef SAFE_RUN_SANITIZED
	cr_skip_test("a sanitizer's runtime calls more than any filter allows");
#endif
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *cell = rows[i].cells;
		size_t seen = 0;
		int status;

		for (; *cell; cell++)
			if (*cell != ' ' && seen++ == at)
				break;
		cr_assert_neq(*cell, '\0', "%s has no cell for %s", rows[i].what, columns[at].name);
		status = probe(&columns[at], &rows[i]);
		cr_expect(cell_holds(*cell, status), "%s: %s: expected %c, got %d",
			  columns[at].name, rows[i].what, *cell, status);
	}
}

Test(sandbox, validate)
{
	try_column(0);
}
Test(sandbox, compile)
{
	try_column(1);
}
Test(sandbox, launch)
{
	try_column(2);
}
Test(sandbox, monitor)
{
	try_column(3);
}
Test(sandbox, seal)
{
	try_column(4);
}
Test(sandbox, verify)
{
	try_column(5);
}
Test(sandbox, canon)
{
	try_column(6);
}
Test(sandbox, launch_parent)
{
	try_column(7);
}
Test(sandbox, launch_init)
{
	try_column(8);
}
Test(sandbox, strict)
{
	try_column(9);
}
Test(sandbox, standard)
{
	try_column(10);
}
Test(sandbox, standard_net)
{
	try_column(11);
}
Test(sandbox, collect)
{
	try_column(12);
}
Test(sandbox, deposit)
{
	try_column(13);
}
Test(sandbox, export)
{
	try_column(14);
}
Test(sandbox, diff)
{
	try_column(15);
}
Test(sandbox, signer)
{
	try_column(20);
}
Test(sandbox, key)
{
	try_column(21);
}
Test(sandbox, tree)
{
	try_column(22);
}
Test(sandbox, unpack)
{
	try_column(23);
}
Test(sandbox, machine)
{
	try_column(24);
}
Test(sandbox, vmm)
{
	try_column(25);
}
Test(sandbox, ed25519)
{
	try_column(26);
}
Test(sandbox, guest)
{
	try_column(27);
}

Test(sandbox, image)
{
	try_column(28);
}

Test(sandbox, artifact)
{
	try_column(29);
}
Test(sandbox, filter)
{
	try_column(30);
}
Test(sandbox, uplink)
{
	try_column(31);
}
Test(sandbox, usernet)
{
	try_column(32);
}
Test(sandbox, usernet_watch)
{
	try_column(33);
}
Test(sandbox, resolve)
{
	try_column(34);
}
Test(sandbox, egress)
{
	try_column(35);
}
Test(sandbox, jail)
{
	try_column(36);
}
Test(sandbox, version)
{
	try_column(37);
}
