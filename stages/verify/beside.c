/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/verify/beside.h"

#include "stages/seal/forward.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Its name in a directory, and the code of what is wrong with it. */
struct companion {
	const char *name;
	enum fault_code code;
};

static const struct companion bundle_file = {"run_report.sigstore.json", FAULT_REPORT_SIGNATURE};
static const struct companion forward_file = {FORWARD_FILE, FAULT_REPORT_FORWARD};

static void try(const struct companion *companion, struct side_file *file, int directory_fd,
		const char *path, struct fault *fault)
{
	bool absent = false;

	(void)!side_file_open(file, directory_fd, path, &absent, companion->code, fault);
}

/* Whether the report's path is a directory's. */
static bool in_directory(const struct companion *companion, struct side_file *file,
			 const char *report, struct fault *fault)
{
	int directory_fd = open(report, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int artifacts_fd;

	if (directory_fd < 0)
		return false;
	artifacts_fd = openat(directory_fd, "artifacts", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	try(companion, file, artifacts_fd >= 0 ? artifacts_fd : directory_fd, companion->name,
	    fault);
	if (artifacts_fd >= 0)
		close(artifacts_fd);
	close(directory_fd);
	return true;
}

void beside_open(struct side_file *bundle, const char *report, struct fault *fault)
{
	char path[PATH_MAX];
	size_t len = strlen(report);

	if (in_directory(&bundle_file, bundle, report, fault))
		return;
	if (len > strlen(".json") && strcmp(report + len - strlen(".json"), ".json") == 0)
		len -= strlen(".json");
	if ((size_t)snprintf(path, sizeof(path), "%.*s.sigstore.json", (int)len, report) <
	    sizeof(path))
		try(&bundle_file, bundle, AT_FDCWD, path, fault);
}

void beside_open_forward(struct side_file *seal, const char *report, struct fault *fault)
{
	char path[PATH_MAX];
	const char *slash = strrchr(report, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash + 1 - report);

	if (in_directory(&forward_file, seal, report, fault))
		return;
	if ((size_t)snprintf(path, sizeof(path), "%.*s" FORWARD_FILE, (int)len, report) <
	    sizeof(path))
		try(&forward_file, seal, AT_FDCWD, path, fault);
}
