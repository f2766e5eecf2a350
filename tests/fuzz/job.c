/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sr-init reads: the job, and signals behind it. The host is trusted in there; its bytes are
 * read with care all the same. What is taken over lies in the plan, in its bounds.
 */
#include "stages/init/job.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void inside(const struct plan *plan, const char *text)
{
	require(text >= plan->text && text < plan->text + plan->text_len);
}

static void device(const struct job_device *device)
{
	require(strlen(device->name) == 3 && strncmp(device->name, "vd", 2) == 0);
	require(device->format[0] != '\0' && memchr(device->format, '\0', JOB_FORMAT_SIZE) != NULL);
}

static void look_at(const struct job *job, const struct plan *plan)
{
	require(plan->uid > 0 && plan->gid > 0 && plan->machine.guest && plan->filter != NULL);
	require(plan->arg_count > 0 && plan->arg_count <= PLAN_ARG_MAX &&
		plan->argv[plan->arg_count] == NULL);
	for (size_t i = 0; i < plan->arg_count; i++)
		inside(plan, plan->argv[i]);
	for (size_t i = 0; plan->envp[i] != NULL; i++)
		inside(plan, plan->envp[i]);
	inside(plan, plan->cwd);
	inside(plan, plan->hostname);
	require(plan->mount_count <= PLAN_MOUNT_MAX && plan->output_count <= PLAN_OUTPUT_MAX);
	for (size_t i = 0; i < plan->mount_count; i++) {
		inside(plan, plan->mounts[i].target);
		device(&job->mounts[i].device);
	}
	for (size_t i = 0; i < plan->output_count; i++)
		inside(plan, plan->outputs[i].path);
	device(&job->root);
	require(job->network.wanted == plan->network.wanted);
	require(plan->network.host_count <= PLAN_RULE_MAX);
	for (size_t i = 0; i < plan->network.host_count; i++) {
		require(plan->network.hosts[i].address_count <= PLAN_ADDRESS_MAX);
		inside(plan, plan->network.hosts[i].name);
	}
}

/* All of it zero again but the space of the strings, which are in use up to text_len. */
static void clear(struct plan *plan)
{
	memset(plan, 0, offsetof(struct plan, text));
	memset(plan->text, 0, plan->text_len);
	plan->text_len = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct plan plan;
	static struct job job;
	const char *text = (const char *)data;
	const char *end = len > 0 ? memchr(data, '\n', len) : NULL;
	size_t first = end != NULL ? (size_t)(end - text) : len;
	char *line = malloc(len > 0 ? len : 1);
	struct fault fault;
	int number = 0;

	memcpy(line, text, len);
	clear(&plan);
	if (job_parse(line, first, &job, &plan, &fault) == FAULT_NONE)
		look_at(&job, &plan);
	if (job_signal(line, first, &number))
		require(number > 0 && number < _NSIG);
	if (end != NULL && job_signal(line + first + 1, len - first - 1, &number))
		require(number > 0 && number < _NSIG);
	free(line);
	return 0;
}
