/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-init's streams over vsock, with a kernel's own, in a guest of QEMU's (vsock_relay.c): as under
 * Firecracker as far as sr-init can tell.
 */
#include "stages/seal/digest.h"
#include "tests/machine/machine.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_LEN 1500007

/* That it was not the virtio ports. */
static void expect_vsock(const struct run *run)
{
	static const char *const streams[] = {"control", "stdin", "stdout", "stderr", "outputs"};
	char path[4096], line[64];
	char *console;

	snprintf(path, sizeof path, "%s/artifacts/console.log", run->dir);
	console = child_read_file(path, &(size_t){0});
	cr_assert_not_null(console, "%s", path);
	cr_expect_not_null(strstr(console, "vsock relay: cut off\r\n"), "%s", console);
	for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
		snprintf(line, sizeof line, "vsock relay: %s\r\n", streams[i]);
		cr_expect_not_null(strstr(console, line), "%s in: %s", streams[i], console);
	}
	free(console);
}

Test(vsock, status_and_streams)
{
	char *input = malloc(INPUT_LEN);
	char text[DIGEST_TEXT_SIZE];
	uint8_t value[DIGEST_SIZE];
	struct run run;

	for (size_t i = 0; i < INPUT_LEN; i++)
		input[i] = (char)(i * 31 + i / 4096);
	cr_assert_eq(digest_prewarm(), 0);
	digest_bytes(input, INPUT_LEN, value);
	digest_text(value, text);
	machine_run(&run, "vsock", NULL,
		    WORDS("sh", "-c", "sha256sum; head -c 2000000 /dev/zero; echo err >&2; exit 7"),
		    input, INPUT_LEN);
	run_expect(&run, 7, "exit");
	cr_expect_eq(run.child.out_len, strlen(text) - 7 + 4 + 2000000, "%zu", run.child.out_len);
	cr_expect_eq(strncmp(run.child.out, text + 7, 64), 0, "%.70s", run.child.out);
	cr_expect_eq(strncmp(run.child.err, "err\n", 4), 0, "%s", run.child.err);
	cr_expect_str_eq(machine_text(&run, "vm.exited", "machine.shutdown"), "clean");
	expect_vsock(&run);
	free(input);
	run_release(&run);
}

Test(vsock, outputs_and_a_signal)
{
	static const char policy[] =
		"apiVersion: policy.safe-run.dev/v1alpha1\nmetadata: {name: vsock}\n"
		"runtime: {command: sh, args: [-c, 'mkdir d; seq 1 20000 >d/seq; kill -TERM $$']}\n"
		"resources: {cpu: {max: max 100000}, memory: {max: 128Mi}}\n"
		"outputs: [{path: d, maxBytes: 1Mi, maxFiles: 10}]\n"
		"mounts: []\naudit: {level: basic}\n";
	struct run run;
	char path[4096];
	char *bytes;
	size_t len;

	machine_run(&run, "vsock", WORDS("--policy", "-"), NULL, policy, sizeof policy - 1);
	run_expect(&run, 128 + SIGTERM, "signal");
	snprintf(path, sizeof path, "%s/artifacts/outputs/d/seq", run.dir);
	bytes = child_read_file(path, &len);
	cr_assert_not_null(bytes, "%s: %s", path, run.child.err);
	cr_expect_eq(len, 108894);
	free(bytes);
	expect_vsock(&run);
	run_release(&run);
}
