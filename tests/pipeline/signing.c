/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed runs from end to end, and held against tools of others: openssl(1) verifies our signatures
 * and signs for us, jq and sha256sum do what README.md shows.
 */
#include "tests/pipeline/bench.h"

#include <criterion/criterion.h>
#include <stdio.h>

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
