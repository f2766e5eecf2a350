/* SPDX-License-Identifier: Apache-2.0 */
/* Signals and terminals: who gets a Ctrl-C, and how often; --tty; the terminal is put back. */
#include "tests/pipeline/run.h"
#include "tests/pipeline/terminal.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/*
 * Counts what arrives until SIGUSR2. dash waits in sigsuspend, so no signal falls between looking
 * and sleeping; bash loses a SIGINT that comes while it runs the trap of the one before.
 */
#define COUNTING                                                                                   \
	"n=0; trap 'n=$((n+1)); echo got $n' INT TERM HUP USR1; trap 'echo total $n; exit 7' "     \
	"USR2; sleep 1000 & echo ready; while :; do wait; done"

struct session {
	struct run run;
	struct terminal terminal;
};

static void session_start(struct session *session, const char *const options[],
			  const char *const command[])
{
	const char **argv;

	memset(session, 0, sizeof(*session));
	session->run.base = child_make_dir("sr-keys");
	argv = run_argv(session->run.base, options, command);
	terminal_start(&session->terminal, argv);
	free(argv);
}

static void session_finish(struct session *session, int status, const char *cause)
{
	session->run.child.status = terminal_finish(&session->terminal);
	session->run.child.err = strdup(session->terminal.seen);
	run_collect(&session->run);
	run_expect(&session->run, status, cause);
}

/*
 * The kernel sends the key's signal to the whole group; passed on as well it would come twice, and
 * now and then be seen twice. The third would kill, so each session has two.
 */
Test(keys, interrupt_arrives_once)
{
	for (size_t round = 0; round < 12; round++) {
		struct session session;

		session_start(&session, NULL, WORDS("sh", "-c", COUNTING));
		terminal_await(&session.terminal, "ready");
		terminal_type(&session.terminal, "\x03");
		terminal_await(&session.terminal, "got 1");
		terminal_type(&session.terminal, "\x03");
		terminal_await(&session.terminal, "got 2");
		kill(session.terminal.pid, SIGUSR2);
		session_finish(&session, 7, "exit");
		cr_expect_not_null(strstr(session.terminal.seen, "total 2\r\n"), "%s",
				   session.terminal.seen);
		run_release(&session.run);
	}
}

Test(keys, interrupt_ends_what_does_not_catch_it)
{
	struct session session;

	session_start(&session, NULL, WORDS("sh", "-c", "echo ready; exec sleep 1000"));
	terminal_await(&session.terminal, "ready");
	terminal_type(&session.terminal, "\x03");
	session_finish(&session, 130, "interrupted");
	run_release(&session.run);
}

/* A signal for safe-run alone is passed on, once. */
Test(keys, signals_for_safe_run_are_passed_on)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct session session;

		session_start(&session, NULL, WORDS("sh", "-c", COUNTING));
		terminal_await(&session.terminal, "ready");
		kill(session.terminal.pid, signals[i]);
		terminal_await(&session.terminal, "got 1");
		kill(session.terminal.pid, SIGUSR2);
		session_finish(&session, 7, "exit");
		cr_expect_not_null(strstr(session.terminal.seen, "total 1\r\n"), "signal %d: %s",
				   signals[i], session.terminal.seen);
		run_release(&session.run);
	}
}

/*
 * The third request for an end is not one any more. All go to safe-run alone: what the command says
 * of one shows that safe-run has counted it.
 */
Test(keys, third_interrupt_kills)
{
	struct session session;

	session_start(&session, NULL, WORDS("sh", "-c", COUNTING));
	terminal_await(&session.terminal, "ready");
	kill(session.terminal.pid, SIGINT);
	terminal_await(&session.terminal, "got 1");
	kill(session.terminal.pid, SIGTERM);
	terminal_await(&session.terminal, "got 2");
	kill(session.terminal.pid, SIGINT);
	session_finish(&session, 137, "interrupted");
	run_release(&session.run);
}

/* The fourth does not wait for anybody to agree. */
Test(keys, fourth_interrupt_kills_the_launcher)
{
	struct session session;

	session_start(&session, NULL, WORDS("sh", "-c", COUNTING));
	terminal_await(&session.terminal, "ready");
	kill(session.terminal.pid, SIGINT);
	terminal_await(&session.terminal, "got 1");
	kill(session.terminal.pid, SIGTERM);
	terminal_await(&session.terminal, "got 2");
	/* Different signals are not merged: both wait for safe-run together. */
	kill(session.terminal.pid, SIGSTOP);
	kill(session.terminal.pid, SIGINT);
	kill(session.terminal.pid, SIGTERM);
	kill(session.terminal.pid, SIGCONT);
	session_finish(&session, 125, "stage-lost");
	cr_expect_not_null(strstr(session.terminal.seen, "sr-launch was killed by SIGKILL"), "%s",
			   session.terminal.seen);
	run_sweep(&session.run);
	run_release(&session.run);
}

Test(keys, no_terminal_unless_asked)
{
	struct session session;

	session_start(&session, NULL,
		      WORDS("sh", "-c",
			    "for i in 0 1 2; do test -t $i && echo tty $i; done; "
			    "(: </dev/tty) 2>/dev/null && echo dev tty; echo end"));
	session_finish(&session, 0, "exit");
	cr_expect_null(strstr(session.terminal.seen, "tty"), "%s", session.terminal.seen);
	run_release(&session.run);
}

Test(keys, tty_is_one_of_its_own)
{
	struct session session;

	session_start(&session, WORDS("--tty"),
		      WORDS("sh", "-c",
			    "for i in 0 1 2; do test -t $i || echo no tty $i; done; "
			    "stty size; echo ready; read line; echo read:$line:"));
	terminal_await(&session.terminal, "ready");
	terminal_type(&session.terminal, "typed\r");
	session_finish(&session, 0, "exit");
	/* What goes through the terminal is captured and held to its limit as well. */
	cr_expect_not_null(strstr(json_object_get_string(run_member(&session.run, "enforcement")),
				  "resources.output.max"));
	cr_expect_null(strstr(session.terminal.seen, "no tty"), "%s", session.terminal.seen);
	cr_expect_not_null(strstr(session.terminal.seen, "33 77"), "%s", session.terminal.seen);
	cr_expect_not_null(strstr(session.terminal.seen, "read:typed:"), "%s",
			   session.terminal.seen);
	run_release(&session.run);
}

Test(keys, tty_interrupt_goes_through_its_own_line_discipline)
{
	struct session session;

	session_start(
		&session, WORDS("--tty"),
		WORDS("sh", "-c", "trap 'echo got; exit 9' INT; sleep 1000 & echo ready; wait"));
	terminal_await(&session.terminal, "ready");
	terminal_type(&session.terminal, "\x03");
	session_finish(&session, 9, "exit");
	cr_expect_not_null(strstr(session.terminal.seen, "got"));
	run_release(&session.run);
}

/* However it ends, the caller's terminal is as it was. */
Test(keys, terminal_is_put_back)
{
	static const struct {
		const char *script;
		int signal; /* for safe-run, once the command runs */
		int status;
	} endings[] = {
		{"echo ready; exit 0", 0, 0},
		{"echo ready; exit 5", 0, 5},
		{"echo ready; kill -KILL $$", 0, 137},
		{"echo ready; exec sleep 1000", SIGTERM, 143},
		{"echo ready; exec sleep 1000", SIGHUP, 129},
	};

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		struct session session;
		struct termios now;
		int status, slave_fd;

		session_start(&session, WORDS("--tty"), WORDS("sh", "-c", endings[i].script));
		/* Held open, or the settings would go with the last one to close it. */
		slave_fd = open(ptsname(session.terminal.fd), O_RDWR | O_NOCTTY | O_CLOEXEC);
		cr_assert_geq(slave_fd, 0);
		terminal_await(&session.terminal, "ready");
		if (endings[i].signal != 0)
			kill(session.terminal.pid, endings[i].signal);
		cr_assert_eq(waitpid(session.terminal.pid, &status, 0), session.terminal.pid);
		cr_expect_eq(WEXITSTATUS(status), endings[i].status, "case %zu: %d", i,
			     WEXITSTATUS(status));
		cr_assert_eq(tcgetattr(slave_fd, &now), 0);
		cr_expect_eq(now.c_lflag, session.terminal.original.c_lflag, "case %zu", i);
		cr_expect_eq(now.c_iflag, session.terminal.original.c_iflag, "case %zu", i);
		cr_expect_eq(now.c_oflag, session.terminal.original.c_oflag, "case %zu", i);
		close(slave_fd);
		close(session.terminal.fd);
		run_release(&session.run);
	}
}

/* A shell's "&" ignores SIGINT for what it starts: the run is not interrupted either. */
Test(keys, ignored_interrupt_stays_ignored)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct session session;

	sigaction(SIGINT, &ignore, NULL);
	session_start(&session, NULL, WORDS("bash", "-c", "echo ready; read line; echo $line"));
	terminal_await(&session.terminal, "ready");
	terminal_type(&session.terminal, "\x03");
	terminal_type(&session.terminal, "unharmed\n");
	session_finish(&session, 0, "exit");
	cr_expect_not_null(strstr(session.terminal.seen, "unharmed\r\nunharmed"), "%s",
			   session.terminal.seen);
	run_release(&session.run);
}
