/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/sandbox.h"

#include "filter_launch_init.h"
#include "filter_launch_parent.h"
#include "filter_standard.h"
#include "filter_standard_net.h"
#include "filter_strict.h"
#include "filter_strict_la57.h"
#include "filter_usernet_watch.h"
#include "filter_vmm.h"

#include <linux/seccomp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FILTER(name)                                                                               \
	{                                                                                          \
		filter_##name##_program,                                                           \
			sizeof filter_##name##_program / sizeof *filter_##name##_program           \
	}

const struct sandbox_filter sandbox_filter_launch_parent = FILTER(launch_parent);
const struct sandbox_filter sandbox_filter_launch_init = FILTER(launch_init);
const struct sandbox_filter sandbox_filter_vmm = FILTER(vmm);
const struct sandbox_filter sandbox_filter_usernet_watch = FILTER(usernet_watch);

const struct sandbox_filter *sandbox_workload_filter(const char *name)
{
	static const struct {
		const char *name;
		struct sandbox_filter filter;
	} filters[] = {
		{"standard", FILTER(standard)},
		{"standard-net", FILTER(standard_net)},
		{"strict", FILTER(strict)},
		{"strict-la57", FILTER(strict_la57)},
	};

	for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
		if (strcmp(filters[i].name, name) == 0)
			return &filters[i].filter;
	return NULL;
}

int sandbox_filter_install(const struct sandbox_filter *filter)
{
	struct sock_fprog program = {
		.len = filter->length,
		.filter = (struct sock_filter *)filter->program, /* the kernel only reads it */
	};

	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0U, &program);
}
