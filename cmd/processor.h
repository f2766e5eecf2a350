/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_PROCESSOR_H
#define CMD_PROCESSOR_H

#include <stddef.h>

#define PROCESSOR_HINT_SIZE 64

/*
 * "OPENSSL_ia32cap=LEAF1:LEAF7" (OPENSSL_ia32cap(3)), the one variable a stage is started with, or
 * "" on another architecture. Unset, libcrypto asks the processor itself, before main and in every
 * stage that hashes: four CPUID instructions, which a virtual machine answers in 5 to 20
 * microseconds each. glibc has asked already when we start (sys/platform/x86.h). Only what the
 * kernel supports as well is passed on, AVX not without its registers being saved; a feature that
 * is missing here costs speed and nothing else. A stage started by hand asks for itself.
 */
void processor_hint(char out[PROCESSOR_HINT_SIZE]);

#endif
