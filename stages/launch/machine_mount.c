/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/launch.h"
#include "stages/launch/machine_part.h"

enum fault_code machine_mounts(struct launch *launch, struct fault *fault)
{
	if (launch->machine->job.mount_count == 0)
		return FAULT_NONE;
	return fault_set(fault, FAULT_HOST_LACKS, "policy.mounts",
			 "mounts of a microVM are not available in this version");
}
