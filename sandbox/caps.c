/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/caps.h"

#include <errno.h>
#include <linux/securebits.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Whatever the kernel adds, capability sets are 64 bits wide (kernel_cap_t). */
#define CAP_NUMBER_MAX 63

int caps_clear_bounding(uint64_t keep)
{
	for (unsigned long number = 0; number <= CAP_NUMBER_MAX; number++) {
		if ((keep >> number & 1) != 0)
			continue;
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

int caps_lock_securebits(bool may_hand_on)
{
	unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
			     SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED;

	if (!may_hand_on)
		bits |= SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
	return prctl(PR_SET_SECUREBITS, bits, 0, 0, 0);
}

static int caps_get(struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3])
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

	return capget(&header, data);
}

static int caps_put(uint64_t keep, uint64_t inheritable)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{.effective = (uint32_t)keep,
		 .permitted = (uint32_t)keep,
		 .inheritable = (uint32_t)inheritable},
		{.effective = (uint32_t)(keep >> 32),
		 .permitted = (uint32_t)(keep >> 32),
		 .inheritable = (uint32_t)(inheritable >> 32)},
	};

	return capset(&header, data);
}

int caps_set(uint64_t keep)
{
	return caps_put(keep, 0);
}

int caps_hand_on(uint64_t keep)
{
	if (caps_put(keep, keep) < 0)
		return -1;
	for (unsigned long number = 0; number <= CAP_NUMBER_MAX; number++)
		if ((keep >> number & 1) != 0 &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) < 0)
			return -1;
	return 0;
}

uint64_t caps_permitted(void)
{
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	/* capget(2) on oneself fails on a bad pointer or version only. */
	if (caps_get(data) < 0)
		return 0;
	return (uint64_t)data[1].permitted << 32 | data[0].permitted;
}
