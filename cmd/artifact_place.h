/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_ARTIFACT_PLACE_H
#define CMD_ARTIFACT_PLACE_H

#include "cmd/gc_report.h"
#include "ipc/fault.h"

#include <limits.h>

/*
 * Directories beside the one a build is to make, OUT.new-XXXXXX and OUT.work-XXXXXX: what is not
 * finished never has its name. Whoever makes one holds its lock (flock(2)), so one nobody holds is
 * a killed build's.
 */
#define ARTIFACT_PLACE_NONE                                                                        \
	{                                                                                          \
		.path = "", .lock_fd = -1                                                          \
	}

struct artifact_place {
	char path[PATH_MAX];
	int lock_fd;
};

enum fault_code artifact_place_make(const char *out, const char *kind, struct artifact_place *place,
				    struct fault *fault) __attribute__((warn_unused_result));
/* Remove it; one that has been renamed is gone already. */
void artifact_place_remove(struct artifact_place *place);

/* What killed builds left beside out. report NULL: say nothing. */
void artifact_place_sweep(const char *out, struct gc_report *report);

#endif
