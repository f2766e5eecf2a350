/* SPDX-License-Identifier: Apache-2.0 */
/*
 * add and checkpoint. For add sr-verify and sr-archive are given the same sealed memory; what one
 * of them thinks of a report goes to the other over a pipe this program never reads.
 */
#include "cmd/archive_verb.h"
#include "cmd/key_file.h"
#include "cmd/option.h"
#include "cmd/passphrase.h"
#include "cmd/sealed_copy.h"
#include "cmd/trust.h"
#include "cmd/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The archive's private key, and where its passphrase comes from. */
struct signer_fds {
	int key_fd, passphrase_fd;
};

static void close_signer(const struct signer_fds *signer)
{
	if (signer->key_fd >= 0)
		close(signer->key_fd);
	if (signer->passphrase_fd >= 0)
		close(signer->passphrase_fd);
}

static enum fault_code open_signer(const struct archive_args *args, struct signer_fds *signer,
				   struct fault *fault)
{
	const char *passphrase = args->values[ARCHIVE_PASSPHRASE];

	*signer = (struct signer_fds){-1, -1};
	if (args->key_count != 1)
		return fault_set(fault, FAULT_ARCHIVE, "archive.key",
				 "needs --key FILE, the archive's own private key (safe-run key "
				 "generate --purpose archive --out FILE)");
	if (key_file_open(args->keys[0], &signer->key_fd, fault) != FAULT_NONE)
		return fault->code;
	if (passphrase != NULL)
		return passphrase_open(passphrase, false, &signer->passphrase_fd, fault);
	return FAULT_NONE;
}

static void add_signer(struct spawn *spawn, const struct signer_fds *signer)
{
	spawn_fd(spawn, "--key-fd", signer->key_fd);
	spawn_fd(spawn, "--passphrase-fd", signer->passphrase_fd);
}

/* The checkpoint is printed as it is: it is a file of its own, to be kept elsewhere. */
int archive_checkpoint(const struct archive_args *args)
{
	struct signer_fds signer = {-1, -1};
	struct spawn_home home;
	struct spawn spawn;
	struct fault fault;
	int status;

	if (spawn_find_home(&home, &fault) != FAULT_NONE ||
	    (args->key_count > 0 && open_signer(args, &signer, &fault) != FAULT_NONE)) {
		close_signer(&signer);
		return archive_verb_complain(&fault);
	}
	archive_verb_begin(&spawn, args);
	archive_verb_add_option(&spawn, "--key", args->values[ARCHIVE_OLD_KEY]);
	add_signer(&spawn, &signer);
	spawn_flag(&spawn, args->action);
	status = spawn_and_wait(&spawn, &home);
	close_signer(&signer);
	return status;
}

/* One report and what lies beside it. */
struct report_fds {
	int report_fd, signature_fd;
};

static void close_report(const struct report_fds *report)
{
	if (report->report_fd >= 0)
		close(report->report_fd);
	if (report->signature_fd >= 0)
		close(report->signature_fd);
}

static enum fault_code open_report(const char *path, struct report_fds *report, struct fault *fault)
{
	*report = (struct report_fds){-1, -1};
	if (sealed_copy_report(path, &report->report_fd, fault) != FAULT_NONE)
		return fault->code;
	return sealed_copy_signature(path, &report->signature_fd, fault);
}

/* Whose signatures count is the verifier's to be told, as for report verify. */
static enum fault_code start_verifier(const struct archive_args *args,
				      const struct spawn_home *home,
				      const struct report_fds *report, int answer_fd,
				      struct process *process, struct fault *fault)
{
	struct trust_directories usual = {.count = 0};
	struct spawn spawn;

	if (args->values[ARCHIVE_TRUST_DIR] == NULL)
		trust_find(&usual);
	spawn_begin(&spawn, "sr-verify", STDIN_FILENO, answer_fd);
	spawn_fd(&spawn, "--report-fd", report->report_fd);
	spawn_fd(&spawn, "--bundle-fd", report->signature_fd);
	archive_verb_add_option(&spawn, "--require", args->values[ARCHIVE_REQUIRE]);
	for (size_t i = 0; i < args->trust_dir_count; i++)
		spawn_text(&spawn, "--trust-dir", args->trust_dirs[i]);
	for (size_t i = 0; i < usual.count; i++)
		spawn_text(&spawn, "--trust-dir", usual.paths[i]);
	return spawn_start(&spawn, home, process, fault);
}

static int add_opened(const struct archive_args *args, const struct spawn_home *home,
		      const struct report_fds *report, const struct signer_fds *signer)
{
	struct process verifier = PROCESS_NONE;
	struct process_end end;
	struct spawn spawn;
	struct fault fault;
	int verdict[2], status;

	if (pipe2(verdict, O_CLOEXEC) != 0) {
		fault_set_errno(&fault, FAULT_RUN_INIT, errno, "safe-run", "pipe");
		return archive_verb_complain(&fault);
	}
	if (start_verifier(args, home, report, verdict[1], &verifier, &fault) != FAULT_NONE) {
		close(verdict[0]);
		close(verdict[1]);
		return archive_verb_complain(&fault);
	}
	close(verdict[1]);
	archive_verb_begin(&spawn, args);
	archive_verb_add_option(&spawn, "--retention", args->values[ARCHIVE_RETENTION]);
	spawn_fd(&spawn, "--report-fd", report->report_fd);
	spawn_fd(&spawn, "--signature-fd", report->signature_fd);
	spawn_fd(&spawn, "--verdict-fd", verdict[0]);
	add_signer(&spawn, signer);
	spawn_flag(&spawn, "add");
	status = archive_verb_run(&spawn, home, args);
	close(verdict[0]);
	end = process_reap(&verifier);
	if (end.signalled)
		(void)process_status("sr-verify", &end);
	return status;
}

/* sr-archive reads a key from its start; each report's is opened anew. */
static int add_one(const struct archive_args *args, const struct spawn_home *home, const char *path,
		   const struct signer_fds *signer)
{
	struct report_fds report;
	struct fault fault;
	int status;

	if (lseek(signer->key_fd, 0, SEEK_SET) != 0)
		fault_set_errno(&fault, FAULT_ARCHIVE, errno, "archive.key", "cannot be read");
	else if (open_report(path, &report, &fault) == FAULT_NONE) {
		status = add_opened(args, home, &report, signer);
		close_report(&report);
		return status;
	} else
		close_report(&report);
	return archive_verb_complain(&fault);
}

/* A directory for a new archive: its parent must be there. */
static enum fault_code make_place(const char *path, struct fault *fault)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return FAULT_NONE;
	return fault_set_errno(fault, FAULT_ARCHIVE, errno, "archive", "%s cannot be made", path);
}

int archive_add(const struct archive_args *args)
{
	struct signer_fds signer = {-1, -1};
	struct spawn_home home;
	struct fault fault;
	int worst = VERB_DONE;

	if (spawn_find_home(&home, &fault) != FAULT_NONE ||
	    open_signer(args, &signer, &fault) != FAULT_NONE ||
	    make_place(args->values[ARCHIVE_ARCHIVE], &fault) != FAULT_NONE) {
		close_signer(&signer);
		return archive_verb_complain(&fault);
	}
	if (signer.passphrase_fd >= 0 && args->operand_count > 1) {
		close_signer(&signer);
		return option_usage("archive", ARCHIVE_SYNOPSIS,
				    "a passphrase is good for one report at a time");
	}
	for (size_t i = 0; i < args->operand_count; i++) {
		int status = add_one(args, &home, args->operands[i], &signer);

		worst = status > worst ? status : worst;
	}
	close_signer(&signer);
	return worst;
}
