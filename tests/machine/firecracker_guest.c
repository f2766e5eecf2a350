/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run under Firecracker's stand-ins where there is cgroup version 2 alone: jailer puts the machine below
 * the run's cgroup, which has to give it controllers first. Only for that guest (make check-v2).
 */
#include "tests/machine/firecracker_host.h"
#include "tests/machine/machine.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *text_of(struct json_object *object, const char *name)
{
	const char *text = json_object_get_string(json_object_object_get(object, name));

	return text != NULL ? text : "";
}

static void expect_clause(const struct run *run, const char *name, const char *mechanism)
{
	struct json_object *list = run_member(run, "enforcement");
	bool found = false;

	for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++) {
		struct json_object *entry = json_object_array_get_idx(list, i);

		if (strcmp(text_of(entry, "clause"), name) != 0)
			continue;
		cr_expect_str_eq(text_of(entry, "mechanism"), mechanism);
		cr_expect(json_object_get_boolean(json_object_object_get(entry, "enforced")));
		found = true;
	}
	cr_expect(found, "%s", name);
}

Test(guest_firecracker, a_machine_below_the_runs_cgroup)
{
	struct firecracker_host host;
	struct json_object *paths;
	struct run run;

	firecracker_host_make(&host);
	firecracker_host_run(&run, &host, NULL, WORDS("echo", "words"), NULL, 0);
	run_expect(&run, 7, "exit");
	cr_expect_str_eq(run.child.out, "words\n");
	cr_expect_str_eq(machine_text(&run, "vm.started", "machine.vmm"), "firecracker");
	expect_clause(&run, "resources.memory.max", "cgroup v2 memory.max");
	expect_clause(&run, "resources.cpu.max", "cgroup v2 cpu.max");
	expect_clause(&run, "resources.pids.max", "cgroup v2 pids.max");
	/* With the machine's own in it, it could not have been removed. */
	cr_expect_str_eq(machine_text(&run, "run.prepared", "cgroup.mode"), "v2");
	paths = json_object_new_string(machine_text(&run, "run.prepared", "cgroup.paths.unified"));
	cr_expect_neq(access(json_object_get_string(paths), F_OK), 0, "%s is left",
		      json_object_get_string(paths));
	json_object_put(paths);
	run_release(&run);
	firecracker_host_remove(&host);
}
