/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/deposit/entry.h"

#include "ipc/buf.h"
#include "ipc/canon.h"
#include "ipc/field.h"
#include "ipc/object.h"
#include "ipc/unescape.h"
#include "stages/collect/path.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CODE	    FAULT_RUN_INIT
#define PATH	    "deposit.entry"
#define MESSAGE_MAX ((size_t)64 << 10)

static bool mode_valid(const char *mode)
{
	return strlen(mode) == 4 && strspn(mode, "01234567") == 4;
}

static enum fault_code bad(const char *what, struct fault *fault)
{
	return fault_set(fault, CODE, PATH, "an entry that is none: %s", what);
}

static bool text_or_null(struct json_object *value)
{
	return value == NULL || json_object_is_type(value, json_type_string);
}

/* Exactly what is taken has content: a descriptor here, a hash in a manifest. */
static enum fault_code check_kind(struct entry *entry, const char *type, bool has_content,
				  bool has_target, struct fault *fault)
{
	static const char *const types[] = {"file",   "directory", "symlink", "fifo",
					    "socket", "device",	   "unknown"};
	size_t i = 0;

	while (i < sizeof(types) / sizeof(types[0]) && strcmp(type, types[i]) != 0)
		i++;
	if (i == sizeof(types) / sizeof(types[0]))
		return bad("type", fault);
	entry->directory = i == 1 && !entry->refused;
	entry->stored = i == 0 && !entry->refused;
	if (entry->stored != has_content)
		return bad("its content", fault);
	if (has_target != (i == 2 && !entry->refused))
		return bad("target", fault);
	return i > 2 && !entry->refused ? bad("refused", fault) : FAULT_NONE;
}

static enum fault_code read_hash(struct fields *fields, char hash[DIGEST_TEXT_SIZE],
				 struct fault *fault)
{
	const char *text = "";
	enum fault_code code;

	hash[0] = '\0';
	if (fields_null(fields, "sha256"))
		return FAULT_NONE;
	code = fields_string(fields, "sha256", &text, fault);
	if (code == FAULT_NONE && !digest_text_valid(text))
		code = bad("sha256", fault);
	if (code == FAULT_NONE)
		memcpy(hash, text, DIGEST_TEXT_SIZE);
	return code;
}

struct words {
	const char *mode, *path, *type;
	struct json_object *refused, *target;
};

/* hash is NULL for a message, which has none. */
static enum fault_code read_words(struct entry *entry, struct words *words, char *hash,
				  struct fault *fault)
{
	int64_t output = 0, size = 0;
	struct fields fields;
	enum fault_code code = fields_open(&fields, entry->object, PATH, CODE, fault);

	if (code == FAULT_NONE)
		code = fields_string(&fields, "mode", &words->mode, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "output", 0, 255, &output, fault);
	if (code == FAULT_NONE)
		code = fields_string(&fields, "path", &words->path, fault);
	if (code == FAULT_NONE)
		code = fields_any(&fields, "refused", &words->refused, fault);
	if (code == FAULT_NONE && hash != NULL)
		code = read_hash(&fields, hash, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "size", 0, CANON_INTEGER_MAX, &size, fault);
	if (code == FAULT_NONE)
		code = fields_any(&fields, "target", &words->target, fault);
	if (code == FAULT_NONE)
		code = fields_string(&fields, "type", &words->type, fault);
	entry->output = (size_t)output;
	entry->size = (uint64_t)size;
	return code == FAULT_NONE ? fields_close(&fields, fault) : code;
}

static enum fault_code read_fields(struct entry *entry, char *hash, struct fault *fault)
{
	struct words words = {.mode = ""};
	enum fault_code code = read_words(entry, &words, hash, fault);

	if (code != FAULT_NONE)
		return code;
	if (!text_or_null(words.refused) || !text_or_null(words.target) || !mode_valid(words.mode))
		return bad("mode, refused or target", fault);
	if (!unescape(words.path, entry->path, sizeof(entry->path)) ||
	    !path_leads_down(entry->path))
		return bad("path", fault);
	entry->executable = strpbrk(words.mode + 1, "1357") != NULL;
	entry->refused = words.refused != NULL;
	return check_kind(entry, words.type, hash != NULL ? hash[0] != '\0' : entry->fd >= 0,
			  words.target != NULL, fault);
}

enum fault_code entry_parse(const char *line, size_t len, struct entry *entry,
			    char hash[DIGEST_TEXT_SIZE], struct fault *fault)
{
	enum fault_code code;

	*entry = (struct entry){.fd = -1};
	code = canon_parse(line, len, CODE, &entry->object, fault);
	return code == FAULT_NONE ? read_fields(entry, hash, fault) : code;
}

/* At most one descriptor fits; the kernel closes what does not (MSG_CTRUNC). */
static ssize_t receive(int fd, char *data, size_t size, int *passed_fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec vector = {.iov_base = data, .iov_len = size};
	struct msghdr header = {.msg_iov = &vector,
				.msg_iovlen = 1,
				.msg_control = &control,
				.msg_controllen = sizeof(control)};
	struct cmsghdr *item;
	ssize_t len;

	do
		len = recvmsg(fd, &header, MSG_CMSG_CLOEXEC);
	while (len < 0 && errno == EINTR);
	item = len >= 0 ? CMSG_FIRSTHDR(&header) : NULL;
	if (item != NULL && item->cmsg_level == SOL_SOCKET && item->cmsg_type == SCM_RIGHTS &&
	    item->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(passed_fd, CMSG_DATA(item), sizeof(int));
	if (len > 0 && (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
		errno = EMSGSIZE;
		return -1;
	}
	return len;
}

int entry_receive(int socket_fd, struct entry *entry, struct fault *fault)
{
	char *data = malloc(MESSAGE_MAX);
	ssize_t len;

	if (data == NULL)
		buf_no_memory();
	*entry = (struct entry){.fd = -1};
	len = receive(socket_fd, data, MESSAGE_MAX, &entry->fd);
	if (len < 0)
		(void)fault_set_errno(fault, CODE, errno, PATH, "recvmsg");
	else if (len > 0 &&
		 (canon_parse(data, (size_t)len, CODE, &entry->object, fault) != FAULT_NONE ||
		  read_fields(entry, NULL, fault) != FAULT_NONE))
		len = -1;
	free(data);
	return len < 0 ? -1 : len > 0;
}

void entry_release(struct entry *entry)
{
	object_release(&entry->object);
	if (entry->fd >= 0)
		(void)close(entry->fd);
	entry->fd = -1;
}
