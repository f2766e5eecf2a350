/* SPDX-License-Identifier: Apache-2.0 */
/* Every body a leaf speaks of, and every file that no leaf speaks of. */
#include "stages/archive/audit.h"
#include "stages/archive/body.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What waits for its name still, after a crash, in an archive that may not be written now. */
struct waiting {
	struct leaf_body bodies[BODY_KIND_COUNT];
	bool known[BODY_KIND_COUNT];
};

static enum fault_code find_waiting(const struct audit *audit, struct waiting *waiting,
				    struct fault *fault)
{
	for (enum body_kind kind = 0; kind < BODY_KIND_COUNT; kind++)
		if (body_waiting(audit->archive->bodies_fd, kind, &waiting->known[kind],
				 &waiting->bodies[kind], fault) != FAULT_NONE)
			return fault->code;
	return FAULT_NONE;
}

static bool is_waiting(const struct waiting *waiting, const struct reference *reference)
{
	for (size_t kind = 0; kind < BODY_KIND_COUNT; kind++)
		if (waiting->known[kind] && waiting->bodies[kind].len == reference->len &&
		    memcmp(waiting->bodies[kind].hash, reference->hash, DIGEST_SIZE) == 0)
			return true;
	return false;
}

static enum fault_code check_body(struct audit *audit, const struct waiting *waiting,
				  const struct reference *reference, struct fault *fault)
{
	char name[BODY_NAME_SIZE], path[sizeof(BODY_DIRECTORY "/") + BODY_NAME_SIZE];
	struct leaf_body body = {.len = reference->len};
	enum body_state state;

	memcpy(body.hash, reference->hash, DIGEST_SIZE);
	if (body_check(audit->archive->bodies_fd, &body, &state, fault) != FAULT_NONE)
		return fault->code;
	body_name(body.hash, name);
	snprintf(path, sizeof(path), BODY_DIRECTORY "/%s", name);
	switch (state) {
	case BODY_PRESENT:
		audit->bodies_len += body.len;
		break;
	case BODY_MISSING:
		if (reference->ends > audit->now && !is_waiting(waiting, reference))
			checklist_refuse_at(&audit->list, AUDIT_BODIES, path,
					    "missing before its time; leaf %" PRIu64 " is of it",
					    reference->number);
		break;
	case BODY_CHANGED:
		checklist_refuse_at(&audit->list, AUDIT_BODIES, path,
				    "not the bytes that leaf %" PRIu64 " is of", reference->number);
		break;
	}
	return FAULT_NONE;
}

static bool same_hash(const struct reference *one, const struct reference *other)
{
	return memcmp(one->hash, other->hash, DIGEST_SIZE) == 0;
}

/* Each file once: the first of equal references is the one that is kept longest. */
static enum fault_code check_bodies(struct audit *audit, struct fault *fault)
{
	const struct reference *items = audit->bodies.items;
	struct waiting waiting;

	if (find_waiting(audit, &waiting, fault) != FAULT_NONE)
		return fault->code;
	for (size_t i = 0; i < audit->bodies.count; i++) {
		if (i > 0 && same_hash(&items[i], &items[i - 1])) {
			if (items[i].len != items[i - 1].len)
				checklist_refuse_at(&audit->list, AUDIT_LEAVES, "leaves.jsonl",
						    "leaves %" PRIu64 " and %" PRIu64
						    " give one body two lengths",
						    items[i - 1].number, items[i].number);
			continue;
		}
		if (check_body(audit, &waiting, &items[i], fault) != FAULT_NONE)
			return fault->code;
	}
	checklist_pass(&audit->list, AUDIT_BODIES);
	return FAULT_NONE;
}

static bool is_known(const struct audit *audit, const char *name)
{
	uint8_t hash[DIGEST_SIZE];

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || body_name_waits(name))
		return true;
	return body_name_read(name, hash) && references_find(&audit->bodies, hash) != NULL;
}

static enum fault_code check_strays(struct audit *audit, struct fault *fault)
{
	int fd = openat(audit->archive->bodies_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (directory == NULL) {
		fault_set_errno(fault, FAULT_ARCHIVE, errno, BODY_DIRECTORY, "cannot be listed");
		if (fd >= 0)
			close(fd);
		return fault->code;
	}
	errno = 0;
	while ((entry = readdir(directory)) != NULL)
		if (!is_known(audit, entry->d_name))
			checklist_refuse_at(&audit->list, AUDIT_STRAYS, BODY_DIRECTORY,
					    "%s is in no leaf", entry->d_name);
	if (errno != 0)
		fault_set_errno(fault, FAULT_ARCHIVE, errno, BODY_DIRECTORY, "cannot be listed");
	else
		fault->code = FAULT_NONE;
	closedir(directory);
	checklist_pass(&audit->list, AUDIT_STRAYS);
	return fault->code;
}

enum fault_code audit_bodies(struct audit *audit, struct fault *fault)
{
	references_sort(&audit->bodies);
	if (check_bodies(audit, fault) != FAULT_NONE)
		return fault->code;
	return check_strays(audit, fault);
}
