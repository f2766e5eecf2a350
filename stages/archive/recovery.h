/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCHIVE_RECOVERY_H
#define ARCHIVE_RECOVERY_H

#include "stages/archive/archive.h"

/* Put right what a writer that was cut short left half done; under the lock, before anything else.
 */
enum fault_code recovery_run(struct archive *archive, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
