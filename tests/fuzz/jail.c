/* SPDX-License-Identifier: Apache-2.0 */
/* A JailRequest, which root reads; and what a program says of its version. */
#include "stages/jail/command.h"
#include "stages/jail/request.h"
#include "stages/version/words.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was accepted makes a command line, and no word of it is an option that is not ours. */
static void check(const struct request *request)
{
	static struct command command;
	struct place place;
	struct fault fault;

	place_init(&place);
	place.uid = request->uid;
	if (command_make(&command, request, &place, true, &fault) != FAULT_NONE)
		return;
	for (size_t i = 0; i < request->file_count; i++)
		if (strchr(request->files[i].name, '/') != NULL ||
		    request->files[i].source[0] != '/')
			abort();
	if (strchr(request->id, '/') != NULL || command.argv[command.count - 1] == NULL)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct words_version version;
	struct request request;
	struct fault fault;

	if (request_parse((const char *)data, size, &request, &fault) == FAULT_NONE)
		check(&request);
	request_release(&request);
	if (words_parse((const char *)data, size, &version, &fault) == FAULT_NONE &&
	    (version.major > 9999 || strlen(version.name) == 0))
		abort();
	return 0;
}
