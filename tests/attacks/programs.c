/* SPDX-License-Identifier: Apache-2.0 */
/* Real programs under the standard profile: what people run must run. */
#include "tests/attacks/run.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct program {
	const char *needs; /* without it on this host the test cannot be made */
	const char *package;
	const char *script; /* for /bin/sh -euc */
	const char *says;   /* the last line of its output */
};

static void skip_or_fail(const struct program *program)
{
	const char *must = getenv("MUST_WORK");

	if (must && !strcmp(must, "1"))
		cr_assert_fail("%s is missing (Debian: %s)", program->needs, program->package);
	cr_skip_test("%s is missing (Debian: %s)", program->needs, program->package);
}

static bool ends_with_line(const char *out, const char *line)
{
	size_t len = strlen(out), want = strlen(line);

	while (len && out[len - 1] == '\n')
		len--;
	return len >= want && !strncmp(out + len - want, line, want) &&
	       (len == want || out[len - want - 1] == '\n');
}

static void expect_works(const struct program *program, const char *profile)
{
	const char *argv[] = {"/bin/sh", "-euc", program->script, NULL};
	struct attack attack;

	if (access(program->needs, X_OK))
		skip_or_fail(program);
	attack_open(&attack, argv);
	attack_set(&attack, "runtime.seccomp", profile);
	attack_set(&attack, "runtime.timeoutSec", "120");
	attack_set(&attack, "resources.memory.max", "\"1Gi\"");
	attack_set(&attack, "resources.disk.max", "\"1Gi\"");
	attack_set(&attack, "resources.pids.max", "256");
	attack_set(&attack, "resources.cpu.max", "\"max 100000\"");
	attack.child.timeout_ms = 200000;
	attack_run(&attack);
	cr_expect_eq(attack.result.status, 0, "%s\n%s%s", attack_text(&attack, "outcome.summary"),
		     attack.result.out, attack.result.err);
	cr_expect(ends_with_line(attack.result.out, program->says), "it said: %s%s",
		  attack.result.out, attack.result.err);
	attack_close(&attack);
}

static void expect_standard(const struct program *program)
{
	expect_works(program, "\"standard\"");
	expect_works(program, "\"standard-net\"");
}

Test(programs, gcc, .timeout = 300)
{
	expect_standard(&(struct program){
		"/usr/bin/gcc", "gcc",
		"printf '#include <stdio.h>\\nint main(void){puts(\"built\");return 0;}\\n' >a.c\n"
		"gcc -O2 -Wall -pipe -o a a.c\n"
		"gcc -O2 -Wall -save-temps -o b a.c\n"
		"./b >/dev/null; ./a",
		"built"});
}

Test(programs, make_in_parallel, .timeout = 300)
{
	expect_standard(&(struct program){"/usr/bin/make", "make",
					  "printf 'all: 1 2 3 4 5 6 7 8\\n\\t@echo "
					  "made\\n%%:\\n\\t@touch $@\\n' >Makefile\n"
					  "make -j4",
					  "made"});
}

Test(programs, python3_subprocess_and_threads, .timeout = 300)
{
	expect_standard(&(struct program){
		"/usr/bin/python3", "python3",
		"cat >p.py <<'END'\n"
		"import asyncio, concurrent.futures, multiprocessing, socket, sqlite3\n"
		"import subprocess, tempfile, threading\n"
		"assert subprocess.check_output(['sh', '-c', 'echo a | cat']) == b'a\\n'\n"
		"seen = []\n"
		"threads = [threading.Thread(target=seen.append, args=(i,)) for i in range(32)]\n"
		"[t.start() for t in threads]\n"
		"[t.join() for t in threads]\n"
		"assert sorted(seen) == list(range(32))\n"
		"with concurrent.futures.ThreadPoolExecutor(8) as pool:\n"
		"    assert sum(pool.map(lambda x: x * x, range(100))) == 328350\n"
		"async def child():\n"
		"    process = await asyncio.create_subprocess_exec('true')\n"
		"    assert await process.wait() == 0\n"
		"asyncio.run(child())\n"
		"parent, other = socket.socketpair()\n"
		"parent.send(b'x')\n"
		"assert other.recv(1) == b'x'\n"
		"with tempfile.TemporaryDirectory() as d:\n"
		"    db = sqlite3.connect(d + '/x.db')\n"
		"    db.execute('create table t(a)')\n"
		"    db.commit()\n"
		"def double(x):\n"
		"    return 2 * x\n"
		"if __name__ == '__main__':\n"
		"    with multiprocessing.Pool(2) as pool:\n"
		"        assert pool.map(double, [1, 2]) == [2, 4]\n"
		"    print('python done')\n"
		"END\n"
		"/usr/bin/python3 p.py",
		"python done"});
}

Test(programs, node, .timeout = 300)
{
	expect_standard(&(struct program){
		"/usr/bin/node", "nodejs",
		"cat >n.js <<'END'\n"
		"const {Worker} = require('worker_threads');\n"
		"const {execFileSync} = require('child_process');\n"
		"const fs = require('fs');\n"
		"fs.writeFileSync('x', execFileSync('echo', ['child']));\n"
		"const worker = new "
		"Worker('require(\"worker_threads\").parentPort.postMessage(6*7)',\n"
		"                          {eval: true});\n"
		"worker.on('message', n => console.log('node', n, fs.readFileSync('x', "
		"'utf8').trim()));\n"
		"END\n"
		"/usr/bin/node n.js",
		"node 42 child"});
}

Test(programs, git, .timeout = 300)
{
	expect_standard(
		&(struct program){"/usr/bin/git", "git",
				  "git init -q r && cd r\n"
				  "git config user.name a && git config user.email a@example.org\n"
				  "echo a >f && git add f && git commit -qm first\n"
				  "git gc -q && cd .. && git clone -q r s && cd s\n"
				  "git log --format=%s",
				  "first"});
}

Test(programs, tar, .timeout = 300)
{
	expect_standard(&(struct program){
		"/usr/bin/tar", "tar",
		"tar -C /usr/include -cf t.tar . && mkdir o && tar -C o -xf t.tar\n"
		"tar -C o -cf u.tar . && tar -df u.tar -C o && echo 'tar done'",
		"tar done"});
}

Test(programs, find_over_100000_files, .timeout = 300)
{
	expect_standard(&(struct program){"/usr/bin/find", "findutils",
					  "mkdir d && cd d\n"
					  "for i in $(seq 100); do mkdir $i; (cd $i && seq -f "
					  "%g.txt 1000 | xargs touch); done\n"
					  "find . -type f | wc -l",
					  "100000"});
}

/* Debian's shfmt is a static Go binary: its run time asks the kernel itself, not through libc. */
Test(programs, go, .timeout = 300)
{
	expect_standard(&(struct program){
		"/usr/bin/shfmt", "shfmt",
		"printf 'if true;then\\necho go\\nfi\\n' >s.sh && shfmt -i 2 s.sh >t.sh && sh t.sh",
		"go"});
}

/* strict: computes, starts threads, reads files; nothing else. */
Test(programs, strict_computes, .timeout = 300)
{
	static const char script[] =
		"import threading, os, socket\n"
		"done = []\n"
		"t = threading.Thread(target=done.append, args=(1,))\n"
		"t.start(); t.join()\n"
		"def refused(attempt):\n"
		"    try:\n"
		"        attempt()\n"
		"    except PermissionError:\n"
		"        return True\n"
		"    return False\n"
		"print(done, open('/etc/passwd').read() != '',\n"
		"      refused(os.fork), refused(lambda: os.execv('/bin/true', ['true'])),\n"
		"      refused(lambda: open('/tmp/x', 'w')), refused(socket.socket))\n";
	const char *argv[] = {"/usr/bin/python3", "-c", script, NULL};
	struct program python = {"/usr/bin/python3", "python3", NULL, NULL};
	struct rlimit files;
	struct attack attack;

	if (access(python.needs, X_OK))
		skip_or_fail(&python);
	/* What a login has: the launcher's own exec needs a number beyond. */
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
	files.rlim_cur = 1024;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
	attack_open(&attack, argv);
	attack_set(&attack, "runtime.seccomp", "\"strict\"");
	attack_run(&attack);
	cr_expect_str_eq(attack.result.out, "[1] True True True True True\n", "%s",
			 attack.result.err);
	attack_close(&attack);
}

/* The one exec of strict, tried again in every form a filter without memory could confuse. */
Test(programs, strict_executes_once)
{
	const char *argv[] = {ATTACK_INSIDE "/again", NULL};
	const char *bare[] = {"again", NULL};
	struct child_result control;
	struct attack attack;

	attack_bare(bare, &control);
	cr_expect_eq(attack_lines(control.out, "executed"), 5, "%s", control.out);
	child_release(&control);
	attack_open(&attack, argv);
	attack_set(&attack, "runtime.seccomp", "\"strict\"");
	attack_run(&attack);
	cr_expect_eq(attack_lines(attack.result.out, "executed"), 0, "%s", attack.result.out);
	cr_expect_str_eq(attack_said(attack.result.out, "by-path"), "EPERM");
	/* The launcher's own form gets through the filter: there is nothing left to execute. */
	cr_expect_str_eq(attack_said(attack.result.out, "last-page"), "EBADF");
	cr_expect_str_neq(attack_said(attack.result.out, "middle-page"), "");
	attack_close(&attack);
}
