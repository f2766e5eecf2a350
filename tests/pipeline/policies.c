/* SPDX-License-Identifier: Apache-2.0 */
/* Every policy people start from runs, and what each promises holds. */
#include "tests/pipeline/run.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

/*
 * The allowlist and the host's own policy lie beside them, and are of other kinds. One with a root
 * of its own needs that root: it is run in roots_oci.c. One with a network needs somebody there:
 * tests/network.
 */
static bool is_policy(const char *path)
{
	char *text = child_read_file(path, NULL);
	bool is = text != NULL && strstr(text, "\napiVersion: policy.safe-run.dev/") != NULL &&
		  strstr(text, "\n  rootfs: ") == NULL &&
		  strstr(text, "\n  mode: allowlist") == NULL;

	free(text);
	return is;
}

Test(policies, all_of_them_run)
{
	char *path = run_policy(""), *allowlist = run_policy("mount-allowlist.yaml");
	DIR *dir = opendir(path);
	const struct dirent *entry;
	size_t count = 0;

	cr_assert_not_null(dir, "%s", path);
	while ((entry = readdir(dir)) != NULL) {
		const char *suffix = strrchr(entry->d_name, '.');
		struct run run;
		char *policy;

		if (suffix == NULL || strcmp(suffix, ".yaml") != 0)
			continue;
		policy = run_policy(entry->d_name);
		if (!is_policy(policy)) {
			free(policy);
			continue;
		}
		run_start(&run, WORDS("--policy", policy, "--mount-allowlist", allowlist), NULL, "",
			  0);
		cr_expect_eq(run.child.status, 0, "%s: %s", entry->d_name, run.child.err);
		run_expect(&run, 0, "exit");
		run_release(&run);
		free(policy);
		count++;
	}
	closedir(dir);
	cr_expect_geq(count, 8, "only %zu policies in %s", count, path);
	free(path);
	free(allowlist);
}
