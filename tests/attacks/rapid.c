/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/attacks/rapid.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BURST 17 /* odd: it stops as often with the one in place as with the other */

void rapid_open(struct rapid *rapid, struct attack *attack)
{
	char *argv[ATTACK_ARGV_MAX], allow[4200], policy[4200];
	const char *compile[] = {"safe-run", "compile", "--dry-run", allow, policy, NULL};
	struct child_result result;

	*rapid = (struct rapid){0};
	/* Writes the policy. */
	attack_prepare(attack, argv);
	for (size_t i = 0; argv[i]; i++)
		free(argv[i]);
	snprintf(allow, sizeof allow, "--mount-allowlist=%s/allow.json", attack->dir);
	snprintf(policy, sizeof policy, "%s/policy.json", attack->dir);
	child_run(compile, NULL, 0, NULL, &result);
	cr_assert_eq(result.status, 0, "%s%s", result.out, result.err);
	rapid->bundle = result.out;
	rapid->bundle_len = result.out_len;
	free(result.err);
}

static void forget(struct rapid *rapid)
{
	child_release(&rapid->result);
	rapid->result = (struct child_result){0};
}

void rapid_close(struct rapid *rapid)
{
	forget(rapid);
	free(rapid->bundle);
}

/* The event's line; NULL when there is none of that type. */
static const char *find_event(const struct rapid *rapid, const char *type)
{
	char wanted[64];
	const char *end;

	snprintf(wanted, sizeof wanted, "\"type\":\"%s\"}", type);
	end = strstr(rapid->result.out, wanted);
	while (end && end > rapid->result.out && end[-1] != '\n')
		end--;
	return end;
}

bool rapid_run(struct rapid *rapid)
{
	static const char *const argv[] = {"sr-launch", NULL};

	forget(rapid);
	child_run(argv, rapid->bundle, rapid->bundle_len, NULL, &rapid->result);
	cr_assert_not_null(find_event(rapid, "compile"), "status %d, said: %s",
			   rapid->result.status, rapid->result.err);
	cr_assert(find_event(rapid, "run.cleaned") || find_event(rapid, "run.failed"), "%s",
		  rapid->result.out);
	return find_event(rapid, "vm.started") != NULL;
}

const char *rapid_text(const struct rapid *rapid, const char *type, const char *name)
{
	static char texts[4][512];
	static unsigned turn;
	char *text = texts[turn++ % 4], wanted[64];
	const char *line = find_event(rapid, type), *at;

	text[0] = '\0';
	snprintf(wanted, sizeof wanted, "\"%s\":\"", name);
	at = line ? strstr(line, wanted) : NULL;
	if (at && at < line + strcspn(line, "\n"))
		snprintf(text, sizeof texts[0], "%.*s", (int)strcspn(at + strlen(wanted), "\""),
			 at + strlen(wanted));
	return text;
}

static void *flip_until_stopped(void *argument)
{
	static const struct timespec breath = {.tv_nsec = 50000};
	struct flipper *flipper = argument;

	while (!atomic_load(&flipper->stop)) {
		if (renameat2(AT_FDCWD, flipper->paths[0], AT_FDCWD, flipper->paths[1],
			      RENAME_EXCHANGE))
			break;
		/* A rename holds up every other look at a path: in bursts, or few runs come about.
		 */
		if (atomic_fetch_add(&flipper->rounds, 1) % BURST == 0)
			nanosleep(&breath, NULL);
	}
	return NULL;
}

void flipper_start(struct flipper *flipper)
{
	atomic_store(&flipper->stop, false);
	atomic_store(&flipper->rounds, 0);
	cr_assert_eq(pthread_create(&flipper->thread, NULL, flip_until_stopped, flipper), 0);
}

unsigned long flipper_stop(struct flipper *flipper)
{
	atomic_store(&flipper->stop, true);
	pthread_join(flipper->thread, NULL);
	return atomic_load(&flipper->rounds);
}
