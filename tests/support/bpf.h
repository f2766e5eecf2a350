/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_BPF_H
#define SUPPORT_BPF_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a seccomp program answers, run as the kernel runs it. Ends the test on an instruction that
 * seccomp(2) refuses, a load outside the data or a program without a last return.
 */
uint32_t bpf_run(const struct sock_filter *program, size_t count, const struct seccomp_data *data);

#endif
