/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/caps.h"

#include <errno.h>
#include <linux/securebits.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Whatever the kernel adds, capability sets are 64 bits wide (kernel_cap_t). */
#define CAP_NUMBER_MAX 63

int caps_clear_bounding(void)
{
	for (unsigned long number = 0; number <= CAP_NUMBER_MAX; number++) {
		if (prctl(PR_CAPBSET_DROP, number, 0, 0, 0) == 0)
			continue;
		/* EINVAL: past the last capability this kernel has (capabilities(7)). */
		return errno == EINVAL && number > 0 ? 0 : -1;
	}
	return 0;
}

int caps_clear_ambient(void)
{
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

int caps_lock_securebits(void)
{
	return prctl(PR_SET_SECUREBITS,
		     SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
			     SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
			     SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED | SECBIT_KEEP_CAPS_LOCKED,
		     0, 0, 0);
}

static int caps_get(struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3])
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

	return capget(&header, data);
}

int caps_set(uint64_t keep)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{.effective = (uint32_t)keep, .permitted = (uint32_t)keep},
		{.effective = (uint32_t)(keep >> 32), .permitted = (uint32_t)(keep >> 32)},
	};

	return capset(&header, data);
}

uint64_t caps_permitted(void)
{
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	/* capget(2) on oneself fails on a bad pointer or version only. */
	if (caps_get(data) < 0)
		return 0;
	return (uint64_t)data[1].permitted << 32 | data[0].permitted;
}
