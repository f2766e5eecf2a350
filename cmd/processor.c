/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/processor.h"

#if defined(__x86_64__)

#include <inttypes.h>
#include <stdio.h>
#include <sys/platform/x86.h>

static uint64_t pair(unsigned leaf, enum cpuid_register_index low, enum cpuid_register_index high)
{
	const struct cpuid_feature *feature = __x86_get_cpuid_feature_leaf(leaf);

	return (uint64_t)feature->active_array[high] << 32 | feature->active_array[low];
}

void processor_hint(char out[PROCESSOR_HINT_SIZE])
{
	snprintf(out, PROCESSOR_HINT_SIZE, "OPENSSL_ia32cap=0x%" PRIx64 ":0x%" PRIx64,
		 pair(CPUID_INDEX_1, cpuid_register_index_edx, cpuid_register_index_ecx),
		 pair(CPUID_INDEX_7, cpuid_register_index_ebx, cpuid_register_index_ecx));
}

#else

void processor_hint(char out[PROCESSOR_HINT_SIZE])
{
	out[0] = '\0';
}

#endif
