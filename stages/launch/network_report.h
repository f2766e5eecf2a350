/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_NETWORK_REPORT_H
#define LAUNCH_NETWORK_REPORT_H

#include "ipc/fault.h"

struct json_object;
struct launch;

/* The network's events (ipc/event.h, safe-run-ipc(7)). */
#define NETWORK_REPORT_TABLE "safe_run"

/* The interface events name: a machine's, the run's own, or its loopback where nothing else is needed. */
const char *network_report_tap(const struct launch *launch);

/* network.plan.generated: every rule with every address it stands for. */
enum fault_code network_report_plan(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));
/* network.rule.applied, one for each rule. */
enum fault_code network_report_applied(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));
/* network.rule.hit from sr-filter's final record: one for each rule that was hit, and refusals. */
enum fault_code network_report_hits(struct launch *launch, struct json_object *final,
				    struct fault *fault) __attribute__((warn_unused_result));
/* network.rule.hit from sr-uplink's: what the rules open and the bound on connections refused. */
enum fault_code network_report_crowd(struct launch *launch, struct json_object *final,
				     struct fault *fault) __attribute__((warn_unused_result));
/* network.rule.released for each rule; or network.rule.cleanup_failed, and why. */
enum fault_code network_report_released(struct launch *launch, const struct fault *why,
					struct fault *fault) __attribute__((warn_unused_result));

#endif
