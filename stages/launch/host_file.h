/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_HOST_FILE_H
#define LAUNCH_HOST_FILE_H

#include "ipc/fault.h"

struct plan;
struct root;

/*
 * The files of /etc that say who and where one is, written for the sandbox: passwd, group, hosts,
 * hostname, and an nsswitch.conf that asks files alone when the host's is not bound. The host's own
 * would tell its users' names.
 */
enum fault_code host_file_write(const struct root *root, const struct plan *plan,
				struct fault *fault) __attribute__((warn_unused_result));

/*
 * The same files for a root that is somebody's image: the pinned names in /etc/hosts, and a
 * resolv.conf and nsswitch.conf that ask nobody, or ours, in an overlay over what /etc has else. After root_disk.
 */
enum fault_code host_file_pin(const struct root *root, const struct plan *plan, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
