/* SPDX-License-Identifier: Apache-2.0 */
/* A run under a forward seal from end to end, held against a recomputation that shares no code. */
#include "tests/pipeline/bench.h"
#include "tests/pipeline/run.h"
#include "tests/support/vectors.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEALED_RUN                                                                                 \
	"$SR run --quiet --forward-seal key -- true\n"                                             \
	"cd runs/sr-*/artifacts; key=../../../key\n"

static const struct {
	const char *what, *script;
	int status;
	const char *said;
} cases[] = {
	{"it holds", SEALED_RUN "$SR report verify --forward-key $key run_report.json", 0,
	 "ok    forward_seal"},
	{"named in full",
	 SEALED_RUN "mv forward.json ../elsewhere\n"
		    "$SR report verify --forward-key $key --forward ../elsewhere run_report.json",
	 0, "ok    forward_seal"},
	{"without the key nothing is said of it",
	 SEALED_RUN "! $SR report verify run_report.json | grep forward_seal", 0, NULL},
	{"the key is for its owner alone",
	 "umask 0; " SEALED_RUN "test $(stat -c %a $key) = 600; jq -cSj . $key | cmp - $key", 0,
	 NULL},
	{"the key is nowhere in the run directory",
	 SEALED_RUN "! grep -r \"$(jq -r .key $key)\" ..", 0, NULL},
	{"deleted", SEALED_RUN "rm forward.json; $SR report verify --forward-key $key .", 1,
	 "SR-EVD-309 forward: there is no forward.json"},
	{"the seal of the run before",
	 "$SR run --quiet --forward-seal old -- true; mv runs old-runs\n" SEALED_RUN
	 "cp ../../../old-runs/sr-*/artifacts/forward.json .\n"
	 "$SR report verify --forward-key $key .",
	 1, "SR-EVD-309 forward: it seals the run"},
	{"the key of the run before",
	 "$SR run --quiet --forward-seal old -- true; mv runs old-runs\n" SEALED_RUN
	 "$SR report verify --forward-key ../../../old .",
	 1, "SR-EVD-309 forwardKey: the key was made for the run"},
	{"a key of nobody's",
	 SEALED_RUN "sed -i 's/\"key\":\"./\"key\":\"/; s/\",\"runId/0&/' $key\n"
		    "$SR report verify --forward-key $key .",
	 1, "SR-EVD-309 forward: an event was changed"},
	{"a seal without a key is no question",
	 SEALED_RUN "$SR report verify --forward forward.json .", 2, "--forward-key"},
	{"a key is not overwritten", "echo mine >key\n$SR run --forward-seal key -- true", 125,
	 "SR-EVD-309 forward-seal: 'key' exists"},
	{"nor through a link", "ln -s elsewhere key\n$SR run --forward-seal key -- true", 125,
	 "SR-EVD-309 forward-seal: 'key' exists"},
	{"nor where there is no place", "$SR run --forward-seal none/key -- true", 125,
	 "SR-EVD-309 forward-seal: cannot make"},
	{"no key stays of a run that came to nothing",
	 "echo no-key >seal; chmod 600 seal\n"
	 "$SR run --quiet --forward-seal key --seal-key seal -- true || test $? = 125\n"
	 "! ls key runs/sr-* 2>/dev/null",
	 0, NULL},
	{"with a signature, for those who have no key",
	 "$SR key generate --out seal\n"
	 "$SR run --quiet --forward-seal key --seal-key seal -- true\n"
	 "$SR report verify --key seal.pub --forward-key key runs/sr-*",
	 0, "trust=signed"},
};

Test(forward, as_a_user_has_it)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bench bench;

		bench_open(&bench);
		bench_shell(&bench, cases[i].script, cases[i].status, cases[i].said);
		bench_close(&bench);
	}
}

/* No report is changed by it: the same events, sealed again without, are the same bytes. */
Test(forward, the_report_does_not_know)
{
	struct bench bench;

	bench_open(&bench);
	bench_shell(&bench, "$SR run --quiet --forward-seal key -- true; $SR replay runs/sr-*", 0,
		    NULL);
	bench_close(&bench);
}

Test(forward, python_says_the_same)
{
	char *named = vectors_path("forward/recompute.py");
	char *recompute = realpath(named, NULL);
	struct bench bench;
	char script[PATH_MAX + 256];

	cr_assert_not_null(recompute, "%s", named);
	bench_open(&bench);
	snprintf(script, sizeof(script),
		 SEALED_RUN "test $(jq -r .aggregate forward.json) = "
			    "$(python3 '%s' $key events.ndjson)",
		 recompute);
	bench_shell(&bench, script, 0, NULL);
	bench_close(&bench);
	free(recompute);
	free(named);
}

/* Killed at work, seal leaves an open aggregate over all that had come. */
Test(forward, seal_killed)
{
	static const char script[] =
		"mkfifo said\n"
		"$SR run --quiet --forward-seal key -- sh -c 'echo started; sleep 100' >said &\n"
		"read -r line <said\n"
		"until test \"$(jq .count runs/sr-*/artifacts/forward.json)\" -ge 3; do :; done\n"
		"for pid in $(cat /proc/$!/task/$!/children); do\n"
		"  test $(cat /proc/$pid/comm) != sr-seal || kill -KILL $pid\n"
		"done\n"
		"wait $! || test $? = 125\n"
		"cd runs/sr-*/artifacts; test ! -e run_report.json\n"
		"$SR report verify --forward-key ../../../key . >answer || test $? = 1\n"
		"cat answer; grep -q 'incomplete' answer; grep -q 'ok    forward_seal' answer\n"
		"grep -q 'the forward seal was not closed: it covers' answer\n"
		"sed -i '$d' events.ndjson\n"
		"$SR report verify --forward-key ../../../key .";
	struct bench bench;

	bench_open(&bench);
	bench_shell(&bench, script, 1, "SR-EVD-309 forward: events are missing");
	bench_close(&bench);
}
