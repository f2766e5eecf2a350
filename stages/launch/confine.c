/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/confine.h"

#include "stages/launch/plan.h"
#include "stages/launch/root.h"

#include <errno.h>

#define READ  (SANDBOX_FS_EXECUTE | SANDBOX_FS_READ_FILE | SANDBOX_FS_READ_DIR)
#define WRITE (SANDBOX_FS_WRITE_FILE | SANDBOX_FS_TRUNCATE)
/* Not MAKE_CHAR and MAKE_BLOCK: no device is ever made. */
#define CHANGE                                                                                     \
	(WRITE | SANDBOX_FS_REMOVE_DIR | SANDBOX_FS_REMOVE_FILE | SANDBOX_FS_MAKE_DIR |            \
	 SANDBOX_FS_MAKE_REG | SANDBOX_FS_MAKE_SOCK | SANDBOX_FS_MAKE_FIFO | SANDBOX_FS_MAKE_SYM | \
	 SANDBOX_FS_REFER)

#define RULES_MAX 5

enum fault_code confine_files(const struct plan *plan, struct landlock_report *report,
			      struct fault *fault)
{
	struct sandbox_path_rule rules[RULES_MAX] = {
		{"/", READ},
		{"/dev", READ | WRITE | SANDBOX_FS_IOCTL_DEV},
		{"/tmp", READ | CHANGE},
		{"/dev/shm", READ | CHANGE},
	};
	size_t count = RULES_MAX - 1;
	int result;

	*report = (struct landlock_report){0};
	if (root_workdir_private(plan))
		rules[count++] = (struct sandbox_path_rule){plan->cwd, READ | CHANGE};
	/* Where a packet filter says what may be reached, loopback included, it says it for TCP too. A
	 * VMM has its guest's frames to carry and no socket of its own. */
	result = plan->network.wanted && !plan->machine.wanted
			 ? landlock_restrict_files(rules, count, NULL, 0, report)
			 : landlock_restrict(rules, count, NULL, 0, report);
	if (result == 0)
		return FAULT_NONE;
	if ((errno == ENOSYS || errno == EOPNOTSUPP) && plan->best_effort) {
		report->abi = 0;
		return FAULT_NONE;
	}
	if (errno == ENOSYS || errno == EOPNOTSUPP)
		return fault_set_errno(fault, FAULT_HOST_LACKS, errno, "launch.landlock",
				       "this kernel has no Landlock: it needs Linux 5.13 with "
				       "\"landlock\" among the lsm= of its command line, or "
				       "--best-effort to run without");
	return fault_set_errno(fault, FAULT_RUN_LAUNCH, errno, "launch.landlock",
			       "cannot enter the workload's Landlock domain");
}
