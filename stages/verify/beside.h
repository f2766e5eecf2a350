/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VERIFY_BESIDE_H
#define VERIFY_BESIDE_H

#include "stages/verify/side_file.h"

/*
 * The bundle that belongs to a report by its place: of a run or artifacts directory
 * run_report.sigstore.json in it, of a file X.json beside it X.sigstore.json. None is no fault.
 */
void beside_open(struct side_file *bundle, const char *report, struct fault *fault);

/* The same for forward.json, which beside a file has that name and no other. */
void beside_open_forward(struct side_file *seal, const char *report, struct fault *fault);

#endif
