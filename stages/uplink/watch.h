/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UPLINK_WATCH_H
#define UPLINK_WATCH_H

#include "ipc/fault.h"
#include "ipc/record.h"
#include "stages/uplink/veth.h"

/*
 * What the kernel tells of the run's interface while the run goes on (rtnetlink(7), RTMGRP_LINK). The
 * host's table knows it by its name: one that another program renames, or puts into a bridge, would
 * pass the table by, and the run ends instead.
 */

/* What was told until now is of the time before: forget it, and look whether all is as made. */
enum fault_code watch_begin(struct rtnetlink *link, int watch_fd, const struct veth *veth,
			    struct fault *fault) __attribute__((warn_unused_result));

/*
 * Until the end of input, which is the order to finish and sets *ended; WATCH_LINKED: or until packets
 * pass. They do not from the moment both ends are up: a worker of the kernel's has to open the queue
 * of this one first (linkwatch), and what is sent before is lost, such as the first answer to a run.
 * A fault when the interface was tampered with.
 */
enum watch_until { WATCH_LINKED, WATCH_ENDED };
enum fault_code watch_run(struct rtnetlink *link, int watch_fd, const struct veth *veth,
			  struct record_reader *reader, enum watch_until until, bool *ended,
			  struct fault *fault) __attribute__((warn_unused_result));

/*
 * The run is over, and sr-filter removes the interface with its own end of it. Wait until it is gone:
 * the kernel says so when it can no longer be found, some ten milliseconds before it is done with it.
 * One that is still there when the time is over is removed from here.
 */
enum fault_code watch_gone(struct rtnetlink *link, int watch_fd, struct veth *veth,
			   struct fault *fault) __attribute__((warn_unused_result));

#endif
