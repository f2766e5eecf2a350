/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_STANDIN_STANDIN_H
#define TESTS_STANDIN_STANDIN_H

/*
 * Stand-ins for programs this machine may not have, or that cannot work on it: jailer, firecracker,
 * and an sr-machine that says of KVM what a test wants. Each does what the real one does as far as
 * safe-run can tell, and is stricter where it can be. They get no environment and no option of the
 * tests', so what a test wants of one is written into its own copy of the executable: two fields of
 * fixed size, found by their marks (tests/machine/firecracker_host.c).
 */
#define STANDIN_FIELD_SIZE   48
#define STANDIN_MODE_MARK    "STANDIN-MODE:"
#define STANDIN_VERSION_MARK "STANDIN-VERSION:"
#define STANDIN_VERSION	     "v1.14.4"

/* In one source of each: volatile, or the compiler would know what it says. */
#define STANDIN_FIELDS                                                                             \
	static volatile char standin_mode[STANDIN_FIELD_SIZE] = STANDIN_MODE_MARK;                 \
	static volatile char standin_version[STANDIN_FIELD_SIZE] =                                 \
		STANDIN_VERSION_MARK STANDIN_VERSION;

#endif
