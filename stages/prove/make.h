/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROVE_MAKE_H
#define PROVE_MAKE_H

#include "ipc/buf.h"
#include "ipc/fault.h"
#include "stages/seal/span.h"

#include <stdint.h>

/*
 * The proof of event number index of a report (text, whole). The report is checked first, with all
 * that sr-verify checks without a key: of one that is not valid nothing is proved.
 */
enum fault_code make_proof(struct span text, uint64_t index, struct buf *out, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
