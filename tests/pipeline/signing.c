/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed runs from end to end, and held against tools of others: openssl(1) verifies our signatures
 * and signs for us, jq and sha256sum do what README.md shows.
 */
#include "tests/pipeline/bench.h"
#include "tests/pipeline/run.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* README.md, "Checking a report": the signature with jq, base64 and openssl alone. */
#define RECIPE                                                                                     \
	"cd runs/sr-*/artifacts\n"                                                                 \
	"bundle=run_report.sigstore.json\n"                                                        \
	"jq -r .dsseEnvelope.payload $bundle | base64 -d >statement.json\n"                        \
	"jq -r '.dsseEnvelope.signatures[0].sig' $bundle | base64 -d >signature\n"                 \
	"{ printf 'DSSEv1 28 application/vnd.in-toto+json %d ' $(wc -c <statement.json)\n"         \
	"  cat statement.json; } >signed\n"                                                        \
	"test $(jq -r '.subject[0].digest.sha256' statement.json) = "                              \
	"$(sha256sum <run_report.json | cut -d' ' -f1)\n"                                          \
	"test $(openssl pkey -pubin -in $key -outform DER | sha256sum | cut -d' ' -f1) = "         \
	"$(jq -r .verificationMaterial.publicKey.hint $bundle)\n"

Test(signing, openssl_verifies_what_we_sign)
{
	struct bench bench;

	bench_open(&bench);
	bench_shell(
		&bench,
		"$SR key generate --out key; $SR run --quiet --seal-key key -- true\n"
		"key=$PWD/key.pub\n" RECIPE
		"openssl pkeyutl -verify -pubin -inkey $key -rawin -in signed -sigfile signature",
		0, "Signature Verified Successfully");
	bench_shell(&bench,
		    "rm -r runs; $SR key generate --out p --type p256\n"
		    "$SR run --quiet --seal-key p -- true\n"
		    "key=$PWD/p.pub\n" RECIPE
		    "openssl dgst -sha256 -verify $key -signature signature signed",
		    0, "Verified OK");
	bench_close(&bench);
}

/* A key, and signatures, of openssl's making; the bundle put together with jq. */
#define REPLACE_SIGNATURE                                                                          \
	"cd runs/sr-*/artifacts\n"                                                                 \
	"jq -r .dsseEnvelope.payload run_report.sigstore.json | base64 -d >body\n"                 \
	"{ printf 'DSSEv1 28 application/vnd.in-toto+json %d ' $(wc -c <body); cat body; } >pae\n"

Test(signing, we_verify_what_openssl_signs)
{
	struct bench bench;

	bench_open(&bench);
	bench_shell(&bench,
		    "umask 077; openssl genpkey -algorithm ed25519 -out key\n"
		    "openssl pkey -in key -pubout -out key.pub\n"
		    "$SR run --quiet --seal-key key -- true\n"
		    "k=$PWD/key\n" REPLACE_SIGNATURE
		    "openssl pkeyutl -sign -inkey $k -rawin -in pae -out sig\n"
		    "jq -cSj --arg s $(base64 -w0 sig) '.dsseEnvelope.signatures[0].sig=$s' "
		    "run_report.sigstore.json >other.json\n"
		    "$SR report verify --key $k.pub --bundle other.json run_report.json",
		    0, "trust=signed(");
	bench_shell(&bench,
		    "rm -r runs; umask 077\n"
		    "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out p\n"
		    "openssl pkey -in p -pubout -out p.pub\n"
		    "$SR run --quiet --seal-key p -- true\n"
		    "k=$PWD/p\n" REPLACE_SIGNATURE "openssl dgst -sha256 -sign $k -out sig pae\n"
		    "jq -cSj --arg s $(base64 -w0 sig) '.dsseEnvelope.signatures[0].sig=$s' "
		    "run_report.sigstore.json >other.json\n"
		    "! cmp -s other.json run_report.sigstore.json # ECDSA is not deterministic\n"
		    "$SR report verify --key $k.pub --bundle other.json run_report.json",
		    0, "trust=signed(");
	bench_close(&bench);
}

/*
 * The field rules of the Sigstore bundle v0.3 (sigstore_bundle.proto), of DSSE's envelope and of
 * in-toto's Statement v1, as predicates of jq over what is in the bundle.
 */
static const char *const bundle_rules[] = {
	/* mediaType is the one of this version. */
	".mediaType == \"application/vnd.dev.sigstore.bundle.v0.3+json\"",
	/* verification_material is required, and of its oneof content exactly one is set. */
	("[.verificationMaterial | has(\"publicKey\", \"x509CertificateChain\", \"certificate\")] "
	 "| map(select(.)) | length == 1"),
	/* PublicKeyIdentifier.hint is a string. */
	".verificationMaterial.publicKey.hint | type == \"string\" and length > 0",
	/* Of the oneof content exactly one: the envelope, not a message signature. */
	"has(\"dsseEnvelope\") and (has(\"messageSignature\") | not)",
	/* "DSSE envelopes MUST contain exactly one signature". */
	".dsseEnvelope.signatures | length == 1",
	/* bytes fields are base64 (proto3 JSON mapping); keyid is optional. */
	".dsseEnvelope.payload | @base64d | length > 0",
	".dsseEnvelope.signatures[0].sig | test(\"^[A-Za-z0-9+/]+={0,2}$\")",
	".dsseEnvelope.payloadType == \"application/vnd.in-toto+json\"",
	/* proto3 JSON has no members but those of the messages, in lowerCamelCase. */
	"keys - [\"mediaType\", \"verificationMaterial\", \"dsseEnvelope\"] == []",
	".dsseEnvelope | keys - [\"payload\", \"payloadType\", \"signatures\"] == []",
};
static const char *const statement_rules[] = {
	"._type == \"https://in-toto.io/Statement/v1\"",
	/* subject: required, not empty; each with a digest of lower-case hex. */
	"(.subject | type == \"array\") and (.subject | length > 0)",
	"all(.subject[]; .digest | type == \"object\" and length > 0)",
	"all(.subject[]; .digest.sha256 | test(\"^[0-9a-f]{64}$\"))",
	"all(.subject[]; .name | type == \"string\" and length > 0)",
	/* predicateType: a TypeURI, required; predicate: an object. */
	".predicateType | test(\"^https://[^ ]+/v[0-9]+$\")",
	".predicate | type == \"object\"",
	"keys - [\"_type\", \"subject\", \"predicateType\", \"predicate\"] == []",
};

static void expect_rules(const struct bench *bench, const char *file, const char *const *rules,
			 size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char script[1024];

		snprintf(script, sizeof(script), "jq -e '%s' %s >answer; test -s answer", rules[i],
			 file);
		bench_shell(bench, script, 0, NULL);
	}
}

Test(signing, the_bundle_keeps_the_rules_of_its_formats)
{
	struct bench bench;

	bench_open(&bench);
	bench_shell(&bench,
		    "$SR key generate --out key; $SR run --quiet --seal-key key -- true\n"
		    "cp runs/sr-*/artifacts/run_report.sigstore.json bundle.json\n"
		    "jq -r .dsseEnvelope.payload bundle.json | base64 -d >statement.json",
		    0, NULL);
	expect_rules(&bench, "bundle.json", bundle_rules,
		     sizeof(bundle_rules) / sizeof(bundle_rules[0]));
	expect_rules(&bench, "statement.json", statement_rules,
		     sizeof(statement_rules) / sizeof(statement_rules[0]));
	bench_close(&bench);
}

Test(signing, runs_of_one_directory_are_a_chain)
{
	struct bench bench;

	bench_open(&bench);
	bench_shell(&bench,
		    "$SR key generate --out key\n"
		    "for i in 1 2; do $SR run --quiet --seal-key key -- true; done\n"
		    "printf '{\"bundleDigest\":\"sha256:00' >>runs/chain.ndjson # a power cut\n"
		    "$SR run --quiet --seal-key key -- true\n"
		    "test $(wc -l <runs/chain.ndjson) = 3\n"
		    "prev=\n"
		    "for id in $(jq -r .runId runs/chain.ndjson); do\n"
		    "  $SR report verify --key key.pub --chain runs/chain.ndjson "
		    "${prev:+--prev runs/$prev/artifacts/run_report.sigstore.json} runs/$id\n"
		    "  prev=$id\n"
		    "done",
		    0, NULL);
	/* A last line that is none of ours is no part of a chain that was checked. */
	bench_shell(&bench,
		    "cp runs/chain.ndjson chain; echo garbage >>chain; id=$(tail -1 "
		    "runs/chain.ndjson | "
		    "jq -r .runId)\n"
		    "$SR report verify --key key.pub --chain chain runs/$id",
		    1, "8 bytes that are no whole line");
	bench_shell(&bench,
		    "sed -i 2d runs/chain.ndjson; id=$(tail -1 runs/chain.ndjson | jq -r .runId)\n"
		    "$SR report verify --key key.pub --chain runs/chain.ndjson runs/$id",
		    1, "SR-EVD-308");
	/* Somebody else's end of the chain is not continued. */
	bench_shell(&bench,
		    "echo '{\"runId\":\"sr-1\"}' >>runs/chain.ndjson\n"
		    "$SR run --quiet --seal-key key -- true",
		    125, "chain.ndjson");
	bench_close(&bench);
}

/* Nothing runs with a key that cannot be used, or for a signer that cannot be asked. */
static const struct refusal {
	const char *script, *said;
} refusals[] = {
	{"chmod 640 key; $SR run --seal-key key -- touch ran", "others have rights"},
	{"ln -s key link; $SR run --seal-key link -- true", "is a link"},
	{"$SR run --seal-key /dev/null -- true", "not a regular file"},
	{"$SR run --seal-key missing -- true", "No such file"},
	{"umask 077; echo x >nokey; $SR run --seal-key nokey -- true", "not a private key"},
	{"$SR key generate --out a --purpose archive; $SR run --seal-key a -- true",
	 "made for an archive"},
	{"$SR key generate --out e --passphrase-fd 9 9<<<right; $SR run --seal-key e -- true",
	 "give its passphrase"},
	{"$SR key generate --out e --passphrase-fd 9 9<<<right\n"
	 "$SR run --seal-key e --seal-passphrase-fd 9 -- true 9<<<wrong",
	 "does not open the key"},
	{"umask 077; openssl genpkey -algorithm RSA -out rsa; $SR run --seal-key rsa -- true",
	 "not an Ed25519 or P-256 key"},
	{"umask 077; openssl genpkey -algorithm X25519 -out x; $SR run --seal-key x -- true",
	 "not an Ed25519 or P-256 key"},
	{"umask 077; sed 's/^MC.*/MC4CAQAwBQYDK2VwBCIEI!!!/' key | head -c 133 >d; truncate -s 133 "
	 "d\n"
	 "$SR run --seal-key d -- true",
	 "not a private Ed25519 key"},
	{"$SR run --signer nowhere -- true", "there is no signer to reach"},
	{"$SR run --signer nowhere --seal-key key -- true", "exclude each other"},
	{"$SR run --seal-passphrase-fd 0 -- true", "belongs to --seal-key"},
};

Test(signing, a_key_that_cannot_be_used_refuses_the_run)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct bench bench;
		char script[1024];

		bench_open(&bench);
		snprintf(script, sizeof(script), "$SR key generate --out key\n%s",
			 refusals[i].script);
		bench_shell(&bench, script, 125, refusals[i].said);
		bench_shell(&bench, "! ls runs/sr-* 2>/dev/null", 0, NULL);
		bench_close(&bench);
	}
}

/*
 * A key in the one plain form is for the front-end's own child, which needs neither program; any
 * other that can be read is sr-signer's: each run here lacks one of them. openssl's spellings that
 * are not ours are read too.
 */
static const struct {
	const char *key, *without;
	int status;
} signers[] = {
	{"$SR key generate --out k", "sr-signer", 0},
	{"$SR key generate --out k", "sr-ed25519", 0},
	{"openssl genpkey -algorithm ed25519 -out k", "sr-signer", 0},
	{"$SR key generate --type p256 --out k", "sr-ed25519", 0},
	{"$SR key generate --type p256 --out k", "sr-signer", 125},
	{"{ echo a remark; openssl genpkey -algorithm ed25519; } >k", "sr-signer", 125},
	{"openssl genpkey -algorithm ed25519 | sed 's/$/\\r/' >k", "sr-ed25519", 0},
	{"{ echo a remark; openssl genpkey -algorithm ed25519; } >k", "sr-ed25519", 0},
	{"{ openssl genpkey -algorithm ed25519; echo; } >k", "sr-ed25519", 0},
};

Test(signing, which_signer_a_key_gets)
{
	for (size_t i = 0; i < sizeof(signers) / sizeof(signers[0]); i++) {
		struct bench bench;
		char script[1024];

		bench_open(&bench);
		snprintf(script, sizeof(script),
			 "umask 077; %s; mkdir bin; cp "
			 "$(dirname "
			 "$SR)/{safe-run,sr-{validate,compile,launch,monitor,seal,signer,ed25519}} "
			 "bin; "
			 "rm bin/%s\n"
			 "bin/safe-run run --quiet --seal-key k -- true",
			 signers[i].key, signers[i].without);
		bench_shell(&bench, script, signers[i].status, NULL);
		if (signers[i].status == 0)
			bench_shell(&bench,
				    "openssl pkey -in k -pubout -out k.pub\n"
				    "$SR report verify --key k.pub runs/sr-*",
				    0, "trust=signed(");
		bench_close(&bench);
	}
}

Test(signing, an_encrypted_key_opens_with_its_passphrase)
{
	struct bench bench;

	bench_open(&bench);
	bench_shell(
		&bench,
		"$SR key generate --out key --type p256 --passphrase-fd 9 9<<<'pass phrase'\n"
		"head -2 key | grep -q 'BEGIN ENCRYPTED PRIVATE KEY'\n"
		"$SR run --quiet --seal-key key --seal-passphrase-fd 9 -- true 9<<<'pass phrase'\n"
		"$SR report verify --key key.pub runs/sr-*\n"
		"openssl pkey -in key -passin 'pass:pass phrase' -noout",
		0, "trust=signed(");
	bench_close(&bench);
}

Test(signing, keys_are_trusted_and_revoked)
{
	struct bench bench;

	bench_open(&bench);
	bench_shell(
		&bench,
		"umask 022; $SR key generate --out key; $SR run --quiet --seal-key key -- true\n"
		"id=$($SR key trust --trust-dir trust key.pub)\n"
		"$SR key list --trust-dir trust | grep $id\n"
		"$SR report verify --trust-dir trust --require signed runs/sr-*",
		0, "trust=signed(");
	bench_shell(&bench, "$SR report verify --trust-dir trust --require logged runs/sr-*", 1,
		    "safe-run archive prove");
	bench_shell(&bench,
		    "$SR key revoke --trust-dir trust $(jq -r .keyid trust/*.json)\n"
		    "$SR report verify --trust-dir trust runs/sr-*",
		    1, "was revoked");
	bench_shell(&bench, "$SR key trust --trust-dir trust key.pub", 1, "make a new one");
	bench_shell(&bench, "$SR key trust --trust-dir trust --purpose archive key.pub", 1,
		    "made for the purpose");
	bench_shell(&bench, "$SR key trust --trust-dir trust --not-after tomorrow key.pub", 1,
		    "is no time");
	bench_close(&bench);
}

/* What it would have revoked is not known, so nothing is verified past it. */
Test(signing, a_trust_directory_that_cannot_be_looked_at_is_no_missing_one)
{
	struct bench bench;

	bench_open(&bench);
	bench_shell(&bench,
		    "$SR key generate --out key; $SR run --quiet --seal-key key -- true\n"
		    "mkdir empty; export XDG_CONFIG_HOME=$PWD/empty\n"
		    "$SR report verify --key key.pub runs/sr-*",
		    0, "trust=signed(");
	bench_shell(&bench,
		    "mkdir config; ln -s safe-run config/loop; ln -s loop config/safe-run\n"
		    "export XDG_CONFIG_HOME=$PWD/config\n"
		    "$SR report verify --key key.pub runs/sr-*",
		    1, "trust directory");
	bench_close(&bench);
}

/* --- EV5 and the signer as a service --- */

/* How many descriptors of processes that we may look at lead to this file. */
static size_t holders_of(const char *path)
{
	DIR *processes = opendir("/proc");
	struct dirent *process;
	size_t count = 0;

	while ((process = readdir(processes)) != NULL) {
		char place[300], link[PATH_MAX];
		struct dirent *file;
		DIR *files;

		if (process->d_name[0] < '1' || process->d_name[0] > '9')
			continue; /* self, and what is no process */
		snprintf(place, sizeof(place), "/proc/%.64s/fd", process->d_name);
		files = opendir(place);
		if (files == NULL)
			continue;
		while ((file = readdir(files)) != NULL) {
			ssize_t len =
				readlinkat(dirfd(files), file->d_name, link, sizeof(link) - 1);

			link[len < 0 ? 0 : len] = '\0';
			count += strcmp(link, path) == 0;
		}
		closedir(files);
	}
	closedir(processes);
	return count;
}

/*
 * EV5: while the command runs, nobody has the key's file open, not even its signer, who has read
 * it. As an ordinary user the stages' descriptors are not to be seen at all (PR_SET_DUMPABLE 0).
 */
Test(signing, ev5_nobody_holds_the_key_while_the_command_runs)
{
	struct bench bench;
	char path[PATH_MAX], line[16];
	const char **argv;
	int in[2], out[2], status, key_fd;
	pid_t pid;

	bench_open(&bench);
	bench_shell(&bench, "$SR key generate --out key", 0, NULL);
	snprintf(path, sizeof(path), "%s/key", bench.directory);
	argv = run_argv(bench.directory, WORDS("--quiet", "--seal-key", path),
			WORDS("sh", "-c", "echo here; read line"));
	cr_assert_eq(pipe(in), 0);
	cr_assert_eq(pipe(out), 0);
	pid = fork();
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		execv(argv[0], (char *const *)argv);
		_exit(99);
	}
	close(out[1]);
	cr_assert_eq(read(out[0], line, sizeof(line)), 5);
	cr_expect_eq(holders_of(path), 0);
	key_fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_expect_eq(holders_of(path), 1, "the control: %zu", holders_of(path));
	close(key_fd);
	cr_assert_eq(write(in[1], "\n", 1), 1);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, 0);
	free(argv);
	bench_close(&bench);
}

#define SERVICE                                                                                    \
	"$SR key generate --out key; $SR signer --key key --socket $PWD/socket >log & signer=$!\n" \
	"trap 'kill $signer 2>/dev/null || :; wait' EXIT\n"                                        \
	"until test -S socket; do :; done\n"

Test(signing, a_signer_under_another_roof)
{
	struct bench bench;

	bench_open(&bench);
	bench_shell(&bench,
		    SERVICE
		    "for i in 1 2 3; do $SR run --quiet --signer socket -- true; done\n"
		    "for d in runs/sr-*; do $SR report verify --key key.pub --json $d; done | "
		    "jq -e '.trust == \"signed\" and .keyWhere == \"service\"'\n"
		    "test $(wc -l <log) = 3\n"
		    "jq -r .runId log | sort | cmp - <(cd runs; ls -d sr-* | sort)\n"
		    "! $SR signer --key key --socket socket",
		    0, "Address already in use");
	bench_close(&bench);
}

/* The run goes on without its signer, and says at the end that it is not what was asked for. */
Test(signing, a_signer_that_dies_leaves_a_report_and_a_failure)
{
	struct bench bench;

	bench_open(&bench);
	bench_shell(&bench,
		    SERVICE
		    "mkfifo go out; $SR run --quiet --signer socket -- sh -c 'echo up; read x' "
		    "<go >out & run=$!\n"
		    "exec 8>go 9<out; read -u 9 line; kill $signer; wait $signer || :\n"
		    "echo >&8; status=0; wait $run || status=$?\n"
		    "test -e runs/sr-*/artifacts/run_report.json\n"
		    "test ! -e runs/sr-*/artifacts/run_report.sigstore.json\n"
		    "test ! -s runs/chain.ndjson; exit $status",
		    125, "SR-EVD-304 seal.signature");
	bench_close(&bench);
}

/* Entries of a trust directory that are written at once do not get into each other's way. */
Test(signing, keys_trusted_at_once)
{
	struct bench bench;

	bench_open(&bench);
	bench_shell(
		&bench,
		"for i in $(seq 12); do $SR key generate --out $i; done\n"
		"pids=; for i in $(seq 12); do $SR key trust --trust-dir trust $i.pub & pids+=\" "
		"$!\"; "
		"done\n"
		"for pid in $pids; do wait $pid; done\n"
		"test $(ls trust | wc -l) = 12; $SR run --quiet --seal-key 7 -- true\n"
		"$SR report verify --trust-dir trust --require signed runs/sr-*",
		0, "trust=signed");
	bench_close(&bench);
}

/* Signers that answer what no key of theirs can have made. */
static const struct {
	const char *algorithm, *signature, *said;
} frauds[] = {
	{"ed25519", "", "no signature of its key's kind"},
	{"ed25519", "AAAA", "no signature of its key's kind"},
	{"p256", "", "no signature of its key's kind"},
	{"p256", "AAAAAAAAAAAAAAAA", "no signature of its key's kind"},
	{"rsa", "AAAA", "of a kind not known here"},
};

/* One connection: greeting, request, answer. */
static void serve_fraud(int listen_fd, const char *algorithm, const char *signature)
{
	char greeting[256], answer[256], request[32768];
	int fd = accept(listen_fd, NULL, NULL);

	snprintf(greeting, sizeof(greeting),
		 "{\"algorithm\":\"%s\",\"keyid\":\"%064d\",\"schemaVersion\":"
		 "\"safe-run.signer/v1\",\"where\":\"service\"}\n",
		 algorithm, 0);
	snprintf(answer, sizeof(answer), "{\"signature\":\"%s\"}\n", signature);
	if (send(fd, greeting, strlen(greeting), MSG_NOSIGNAL) > 0 &&
	    read(fd, request, sizeof(request)) > 0)
		(void)!send(fd, answer, strlen(answer), MSG_NOSIGNAL);
	_exit(0);
}

Test(signing, a_signer_that_does_not_sign)
{
	struct bench bench;

	bench_open(&bench);
	for (size_t i = 0; i < sizeof(frauds) / sizeof(frauds[0]); i++) {
		struct sockaddr_un address = {.sun_family = AF_UNIX};
		int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
		pid_t pid;

		snprintf(address.sun_path, sizeof(address.sun_path), "%s/fraud", bench.directory);
		cr_assert_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
		cr_assert_eq(listen(fd, 1), 0);
		pid = fork();
		if (pid == 0)
			serve_fraud(fd, frauds[i].algorithm, frauds[i].signature);
		bench_shell(&bench,
			    "status=0; $SR run --quiet --signer fraud -- true || status=$?\n"
			    "test ! -e runs/sr-*/artifacts/run_report.sigstore.json\n"
			    "test ! -s runs/chain.ndjson; rm -r fraud runs; exit $status",
			    125, frauds[i].said);
		waitpid(pid, NULL, 0);
		close(fd);
	}
	bench_close(&bench);
}

/* The size of the one run's file; -1 while it is not there. */
static long size_in(const char *directory, const char *name)
{
	char pattern[4200];
	struct stat status;
	glob_t found = {0};
	long size = -1;

	snprintf(pattern, sizeof(pattern), "%s/runs/sr-*/stages/%s", directory, name);
	if (glob(pattern, 0, NULL, &found) == 0 && stat(found.gl_pathv[0], &status) == 0)
		size = status.st_size;
	globfree(&found);
	return size;
}

/* 0: the bundle was there all the time, and the launcher had not said a word. */
static int refuse_late(int listen_fd, const char *directory)
{
	static const char refusal[] = "{\"errors\":[{\"code\":\"SR-EVD-304\",\"message\":\"not "
				      "today\",\"path\":\"signer\"}]}\n";
	const struct timespec turn = {.tv_nsec = 2000000};
	int fd = accept(listen_fd, NULL, NULL);
	bool waited = true;

	for (int turns = 0; size_in(directory, "compile.json") <= 0; turns++) {
		if (turns == 5000)
			return 2;
		nanosleep(&turn, NULL);
	}
	for (int turns = 0; turns < 100 && waited; turns++) {
		waited = size_in(directory, "launch.ndjson") == 0;
		nanosleep(&turn, NULL);
	}
	return send(fd, refusal, strlen(refusal), MSG_NOSIGNAL) > 0 && waited ? 0 : 1;
}

Test(signing, nothing_is_done_before_the_signer_has_a_key)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct bench bench;
	int status = -1;
	pid_t pid;

	bench_open(&bench);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/late", bench.directory);
	cr_assert_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(fd, 1), 0);
	pid = fork();
	if (pid == 0)
		_exit(refuse_late(fd, bench.directory));
	bench_shell(&bench, "$SR run --quiet --signer late -- true", 125, "not today");
	bench_shell(&bench, "! ls runs/sr-* 2>/dev/null", 0, NULL);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, 0, "the launcher went on before there was a key");
	close(fd);
	bench_close(&bench);
}

/* Whoever may ask gets no signature over anything but a statement about a report. */
static const struct {
	const char *what, *packet;
} oracles[] = {
	{"text", "DSSEv1 28 application/vnd.in-toto+json 2 {}"},
	{"no record", "{}"},
	{"an empty record", "{}\n"},
	{"another type", "{\"_type\":\"https://in-toto.io/Statement/v0.1\"}\n"},
	{"another predicate", "{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicateType\":"
			      "\"https://slsa.dev/provenance/v1\"}\n"},
	{"two records", "{}\n{}\n"},
	{"not canonical", "{ }\n"},
};

static void ask(const char *socket_path, const char *what, const char *packet, size_t len)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char answer[4096];
	ssize_t got;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
	cr_assert_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	got = read(fd, answer, sizeof(answer) - 1);
	cr_assert_gt(got, 0);
	cr_assert_eq(send(fd, packet, len, MSG_NOSIGNAL), (ssize_t)len);
	got = read(fd, answer, sizeof(answer) - 1);
	cr_assert_gt(got, 0, "%s", what);
	answer[got] = '\0';
	cr_expect_not_null(strstr(answer, "SR-EVD-304"), "%s: %s", what, answer);
	cr_expect_null(strstr(answer, "\"signature\""), "%s: %s", what, answer);
	close(fd);
}

static pid_t start_signer(const struct bench *bench, char *socket_path, size_t size)
{
	char key[PATH_MAX], *const environment[] = {NULL};
	struct stat found;
	pid_t pid;

	bench_shell(bench, "$SR key generate --out key", 0, NULL);
	snprintf(key, sizeof(key), "%s/key", bench->directory);
	snprintf(socket_path, size, "%s/socket", bench->directory);
	pid = fork();
	if (pid == 0) {
		const char *program = child_path("safe-run");

		dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		execle(program, program, "signer", "--key", key, "--socket", socket_path,
		       (char *)NULL, environment);
		_exit(99);
	}
	while (stat(socket_path, &found) != 0)
		cr_assert_eq(waitpid(pid, NULL, WNOHANG), 0, "the signer ended");
	return pid;
}

Test(signing, the_signer_is_no_oracle)
{
	struct bench bench;
	char socket_path[108];
	char *large = malloc(65536);
	pid_t pid;

	bench_open(&bench);
	pid = start_signer(&bench, socket_path, sizeof(socket_path));
	for (size_t i = 0; i < sizeof(oracles) / sizeof(oracles[0]); i++)
		ask(socket_path, oracles[i].what, oracles[i].packet, strlen(oracles[i].packet));
	memset(large, '1', 65536);
	large[16384] = '\n';
	ask(socket_path, "16 KiB and LF", large, 16385);
	ask(socket_path, "one byte more", large, 16386);
	ask(socket_path, "64 KiB", large, 65536);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	free(large);
	bench_close(&bench);
}
