/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/verify/beside.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char name[] = "run_report.sigstore.json";

static bool try(struct side_file *bundle, int directory_fd, const char *path, struct fault *fault)
{
	bool absent = false;

	return side_file_open(bundle, directory_fd, path, &absent, FAULT_REPORT_SIGNATURE, fault) !=
		       FAULT_NONE ||
	       !absent;
}

static void in_directory(struct side_file *bundle, int directory_fd, struct fault *fault)
{
	int artifacts_fd = openat(directory_fd, "artifacts", O_PATH | O_NOFOLLOW | O_CLOEXEC);

	(void)!try(bundle, artifacts_fd >= 0 ? artifacts_fd : directory_fd, name, fault);
	if (artifacts_fd >= 0)
		close(artifacts_fd);
}

void beside_open(struct side_file *bundle, const char *report, struct fault *fault)
{
	char path[PATH_MAX];
	size_t len = strlen(report);
	int directory_fd = open(report, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (directory_fd >= 0) {
		in_directory(bundle, directory_fd, fault);
		close(directory_fd);
		return;
	}
	if (len > strlen(".json") && strcmp(report + len - strlen(".json"), ".json") == 0)
		len -= strlen(".json");
	if ((size_t)snprintf(path, sizeof(path), "%.*s.sigstore.json", (int)len, report) <
	    sizeof(path))
		(void)!try(bundle, AT_FDCWD, path, fault);
}
