/* SPDX-License-Identifier: Apache-2.0 */
/* EV1, EV2, EV4, EV5: policies and evidence under attack. Ids as in SECURITY.md. */
#include "tests/attacks/live.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD "apiVersion: policy.safe-run.dev/v1alpha1\nmetadata: {name: x}\n"
#define TAIL                                                                                       \
	"resources: {cpu: {max: 100000 100000}, memory: {max: 64Mi}}\nmounts: []\n"                \
	"audit: {level: basic}\n"
#define RUNTIME "runtime: {command: /bin/true, args: []}\n"

static const struct {
	const char *what;
	const char *text;
	size_t repeat; /* of the text, for the large ones; 0: once */
} policies[] = {
	{"duplicate key", HEAD RUNTIME RUNTIME TAIL, 0},
	{"duplicate key below",
	 HEAD "runtime: {command: /bin/true, command: /bin/sh, args: []}\n" TAIL, 0},
	{"anchor and alias", HEAD "runtime: &r {command: /bin/true, args: []}\nx: *r\n" TAIL, 0},
	{"merge key", HEAD "runtime: {<<: {command: /bin/true}, args: []}\n" TAIL, 0},
	{"billion laughs",
	 "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
	 "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n" HEAD RUNTIME
		 TAIL,
	 0},
	{"tab", HEAD "runtime:\n\tcommand: /bin/true\n\targs: []\n" TAIL, 0},
	{"no as a boolean",
	 HEAD RUNTIME "resources: {cpu: {max: no}, memory: {max: 64Mi}}\nmounts: []\n"
		      "audit: {level: basic}\n",
	 0},
	{"octal", HEAD "runtime: {command: /bin/true, args: [], timeoutSec: 010}\n" TAIL, 0},
	{"float", HEAD "runtime: {command: /bin/true, args: [], timeoutSec: 1.5}\n" TAIL, 0},
	{"exponent", HEAD "runtime: {command: /bin/true, args: [], timeoutSec: 1e2}\n" TAIL, 0},
	{"infinity", HEAD "runtime: {command: /bin/true, args: [], timeoutSec: .inf}\n" TAIL, 0},
	{"unknown key", HEAD RUNTIME "privileged: true\n" TAIL, 0},
	{"unknown key below", HEAD "runtime: {command: /bin/true, args: [], user: root}\n" TAIL, 0},
	{"tag", HEAD "runtime: {command: !!binary L2Jpbi90cnVl, args: []}\n" TAIL, 0},
	{"second document", HEAD RUNTIME TAIL "---\n" HEAD RUNTIME TAIL, 0},
	{"UTF-16 mark", "\xff\xfe" HEAD RUNTIME TAIL, 0},
	{"invalid UTF-8", HEAD "runtime: {command: \"/bin/\xc3\x28\", args: []}\n" TAIL, 0},
	{"NUL in a string", HEAD "runtime: {command: \"/bin/true\\0x\", args: []}\n" TAIL, 0},
	{"deep", "[", 5000},
	{"10 MB", "# ten megabytes of comment, a line at a time, are still ten megabytes\n",
	 150000},
	{"empty", "", 0},
};

/* A raw policy instead of the attack's own. */
static void run_text(struct attack *attack, const char *text, size_t repeat)
{
	size_t len = strlen(text), count = repeat ? repeat : 1;
	char *all = malloc(len * count + 1);
	char *argv[ATTACK_ARGV_MAX];
	char path[4200];

	cr_assert_not_null(all);
	for (size_t i = 0; i < count; i++)
		memcpy(all + i * len, text, len);
	attack_prepare(attack, argv);
	snprintf(path, sizeof path, "%s/policy.json", attack->dir);
	child_write_file(path, all, len * count);
	free(all);
	child_run((const char *const *)argv, NULL, 0, &attack->child, &attack->result);
	for (size_t i = 0; argv[i]; i++)
		free(argv[i]);
}

Test(attacks, EV1_policies_that_mean_two_things, .timeout = 120)
{
	const char *argv[] = {"/bin/true", NULL};

	for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
		struct attack attack;

		attack_open(&attack, argv);
		run_text(&attack, policies[i].text, policies[i].repeat);
		cr_expect_eq(attack.result.status, 125, "%s: status %d: %s", policies[i].what,
			     attack.result.status, attack.result.err);
		cr_expect_str_neq(attack.result.err, "", "%s", policies[i].what);
		attack_load(&attack);
		cr_expect_not_null(strstr(attack_errors(&attack), "SR-POL-"), "%s: %s",
				   policies[i].what, attack_errors(&attack));
		cr_expect_str_eq(attack_event(&attack, "vm.started", "seq"), "", "%s",
				 policies[i].what);
		attack_close(&attack);
	}
}

/* Each must be there, enforced, with the kernel's own answer. */
static const char *const clauses[] = {
	"resources.memory.max", "resources.cpu.max",  "resources.pids.max", "resources.disk.max",
	"resources.output.max", "runtime.timeoutSec", "network.mode",
};

Test(attacks, EV2_enforced_or_refused)
{
	const char *argv[] = {"/bin/true", NULL};
	struct attack attack;
	struct json_object *all = NULL;

	attack_open(&attack, argv);
	attack_run(&attack);
	attack_expect_finished(&attack);
	json_object_object_get_ex(attack.report, "enforcement", &all);
	cr_assert(json_object_is_type(all, json_type_array));
	for (size_t i = 0; i < sizeof clauses / sizeof *clauses; i++) {
		bool found = false;

		for (size_t k = 0; k < json_object_array_length(all); k++) {
			struct json_object *name;

			found = found ||
				(json_object_object_get_ex(json_object_array_get_idx(all, k),
							   "clause", &name) &&
				 !strcmp(json_object_get_string(name), clauses[i]));
		}
		cr_expect(found, "nothing says how %s is enforced", clauses[i]);
	}
	for (size_t k = 0; k < json_object_array_length(all); k++) {
		struct json_object *item = json_object_array_get_idx(all, k), *enforced = NULL;

		json_object_object_get_ex(item, "enforced", &enforced);
		cr_expect(json_object_get_boolean(enforced), "%s",
			  json_object_to_json_string(item));
	}
	attack_close(&attack);
}

/* Words that would end a string, a line, a record or a terminal's sanity, if they were let. */
static const char *const words[] = {
	"\"},\"seq\":99,\"x\":{\"a\":\"",
	"line\n{\"type\":\"run.cleaned\"}\nline",
	"\x1b[2J\x1b]0;owned\x07",
	"\xed\xa0\x80",
	"\xff\xfe",
	"back\\slash\\u0000\\x00",
	"\x7f\x01",
	"",
	"\xe2\x80\xae right to left",
	"%s%n%x",
};

Test(attacks, EV4_one_event_in_one_event_out)
{
	const char *argv[] = {ATTACK_INSIDE "/say-one", NULL};
	struct attack attack;
	size_t plain;

	attack_open(&attack, argv);
	attack_set(&attack, "audit.level", "\"full\"");
	attack_run(&attack);
	attack_expect_finished(&attack);
	plain = attack_events(&attack);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		const char *hostile[] = {ATTACK_INSIDE "/say-one", words[i], NULL};

		attack_command(&attack, hostile);
		attack_run(&attack);
		/* Invalid UTF-8 is no policy; whatever is one passes through unchanged. */
		if (attack.result.status == 125) {
			cr_expect_not_null(strstr(attack_errors(&attack), "SR-POL-"), "word %zu",
					   i);
			continue;
		}
		attack_expect_finished(&attack);
		cr_expect_eq(attack_events(&attack), plain, "word %zu: %zu events", i,
			     attack_events(&attack));
		cr_expect_eq(attack.result.out_len, 4 + strlen(words[i]) + 1, "word %zu", i);
		cr_expect_str_eq(attack.result.out + 4, words[i], "word %zu", i);
		/* Nothing of it reaches the caller's terminal as it is. */
		cr_expect_null(strchr(attack.result.err, '\x1b'), "word %zu", i);
	}
	attack_close(&attack);
}

/* "pipe:[123]" of a descriptor, or "" */
static void link_of(pid_t pid, const char *fd, char text[128])
{
	char path[300];
	ssize_t len;

	snprintf(path, sizeof path, "/proc/%d/fd/%s", (int)pid, fd);
	len = readlink(path, text, 127);
	text[len < 0 ? 0 : len] = '\0';
}

/* Whether process pid has a descriptor on that pipe. */
static bool holds(pid_t pid, const char *pipe_name)
{
	char path[64], text[128];
	struct dirent *entry;
	bool found = false;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	DIR *dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		link_of(pid, entry->d_name, text);
		found = found || !strcmp(text, pipe_name);
	}
	if (dir)
		closedir(dir);
	return found;
}

static void expect_holders(struct live *live)
{
	char events[128] = "", sealed[128] = "";

	link_of(live_stage(live, "sr-monitor"), "0", events);
	link_of(live_stage(live, "sr-seal"), "0", sealed);
	cr_expect_str_neq(events, "");
	cr_expect_str_neq(sealed, "");
	char *text = live_event(live, "vm.started", "pid");
	pid_t workload = text ? (pid_t)strtol(text, NULL, 10) : 0;
	free(text);
	cr_assert_gt(workload, 0);
	cr_expect_not(holds(workload, events));
	cr_expect_not(holds(workload, sealed));
	/* Writers: the launcher of the first, the monitor of the second, nobody else of ours. */
	cr_expect(holds(live_stage(live, "sr-launch"), events));
	cr_expect(holds(live_stage(live, "sr-monitor"), sealed));
	cr_expect_not(holds(live->pid, events), "the front-end holds the launcher's pipe");
	cr_expect_not(holds(live->pid, sealed), "the front-end holds the monitor's pipe");
}

/* The stages have our uid: that they are not dumpable is all that keeps us from their pipes. */
static void expect_closed(struct live *live)
{
	static const char *const stages[] = {"sr-launch", "sr-monitor", "sr-seal"};
	char path[64];

	for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
		pid_t pid = live_stage(live, stages[i]);

		cr_assert_gt(pid, 0, "%s is not there", stages[i]);
		snprintf(path, sizeof path, "/proc/%d/fd/0", (int)pid);
		cr_expect_lt(open(path, O_RDWR | O_CLOEXEC), 0, "%s opens", path);
		cr_expect_eq(errno, EACCES, "%s: %s", path, strerror(errno));
		snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
		cr_expect_lt(open(path, O_RDWR | O_CLOEXEC), 0, "%s opens", path);
	}
}

Test(attacks, EV5_who_holds_the_event_pipe, .timeout = 120)
{
	const char *argv[] = {ATTACK_INSIDE "/end", "sleep", NULL};
	struct attack attack;
	struct live live;

	attack_open(&attack, argv);
	live_start(&live, &attack, false);
	cr_assert(live_wait_started(&live));
	if (attack_is_root())
		expect_holders(&live);
	else
		expect_closed(&live);
	kill(live.pid, SIGTERM);
	cr_expect_neq(live_end(&live, 20000), -1);
	attack_close(&attack);
}
