/* SPDX-License-Identifier: Apache-2.0 */
/* safe-run archive prove: the proof sr-archive makes, on standard output or whole in a file. */
#include "cmd/archive_verb.h"
#include "cmd/page_file.h"
#include "cmd/verb.h"
#include "ipc/record.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static enum fault_code copy(int from_fd, int to_fd, struct fault *fault)
{
	char text[4096];
	off_t at = 0;
	ssize_t got;

	while ((got = pread(from_fd, text, sizeof(text), at)) > 0) {
		if (record_write_all(to_fd, text, (size_t)got) != 0)
			return fault_set_errno(fault, FAULT_ARCHIVE, errno, "out",
					       "cannot write the proof");
		at += got;
	}
	return got == 0 ? FAULT_NONE
			: fault_set_errno(fault, FAULT_ARCHIVE, errno, "out", "cannot be read");
}

static enum fault_code keep(int proof_fd, const char *path, struct fault *fault)
{
	struct page_file file = PAGE_FILE_NONE;
	struct fault inner;

	if (page_file_open(&file, path, fault) == FAULT_NONE &&
	    copy(proof_fd, file.fd, fault) == FAULT_NONE)
		(void)!page_file_keep(&file, fault);
	page_file_close(&file);
	inner = *fault;
	return inner.code == FAULT_NONE ? FAULT_NONE
					: fault_set(fault, inner.code, "out", "%s", inner.message);
}

/* What sr-archive says instead of a proof is shown, as by every other action. */
static int finish(const struct archive_args *args, int answer_fd, int status)
{
	const char *out = args->values[ARCHIVE_OUT];
	struct fault fault = {.code = FAULT_NONE};

	if (status == VERB_DONE && out != NULL)
		(void)!keep(answer_fd, out, &fault);
	else if (status == VERB_DONE || args->values[ARCHIVE_JSON] != NULL)
		(void)!copy(answer_fd, STDOUT_FILENO, &fault);
	else if (lseek(answer_fd, 0, SEEK_SET) == 0)
		(void)!archive_verb_print(answer_fd, args, &fault);
	return fault.code == FAULT_NONE ? status : archive_verb_complain(&fault);
}

int archive_prove(const struct archive_args *args)
{
	struct spawn_home home;
	struct spawn spawn;
	struct fault fault;
	int answer_fd, status;

	if (spawn_find_home(&home, &fault) != FAULT_NONE)
		return archive_verb_complain(&fault);
	answer_fd = memfd_create("proof", MFD_CLOEXEC);
	if (answer_fd < 0) {
		fault_set_errno(&fault, FAULT_RUN_INIT, errno, "safe-run", "memfd_create");
		return archive_verb_complain(&fault);
	}
	archive_verb_begin(&spawn, args);
	spawn.stdout_fd = answer_fd;
	spawn_flag(&spawn, args->action);
	spawn_flag(&spawn, args->operands[0]);
	status = finish(args, answer_fd, spawn_and_wait(&spawn, &home));
	close(answer_fd);
	return status;
}
