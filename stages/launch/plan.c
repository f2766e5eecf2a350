/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/plan.h"

#include <string.h>
#include <sys/mman.h>

struct plan *plan_new(void)
{
	void *memory = mmap(NULL, sizeof(struct plan), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void plan_free(struct plan *plan)
{
	if (plan != NULL)
		(void)munmap(plan, sizeof(*plan));
}

int plan_seal(struct plan *plan)
{
	return mprotect(plan, sizeof(*plan), PROT_READ);
}

const char *plan_text(struct plan *plan, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = plan->text + plan->text_len;

	if (size > PLAN_TEXT_MAX - plan->text_len)
		return NULL;
	memcpy(copy, text, size);
	plan->text_len += size;
	return copy;
}
