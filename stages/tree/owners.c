/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/tree/owners.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool owners_parse(const char *text, enum owners_rule *out)
{
	static const char *const names[OWNERS_RULE_COUNT] = {
		[OWNERS_ONE] = "one",
		[OWNERS_KEPT] = "kept",
		[OWNERS_OWN] = "own",
	};

	for (size_t i = 0; i < OWNERS_RULE_COUNT; i++)
		if (strcmp(text, names[i]) == 0) {
			*out = (enum owners_rule)i;
			return true;
		}
	return false;
}

int owners_init(struct owners *owners, enum owners_rule rule, uint32_t uid, uint32_t gid)
{
	int count;

	*owners = (struct owners){.rule = rule, .uid = uid, .gid = gid, .caller = geteuid()};
	if (rule != OWNERS_OWN)
		return 0;
	/* One place is the effective group's, which need not be among the others. */
	count = getgroups(OWNERS_GROUP_MAX - 1, owners->groups);
	if (count < 0)
		return -1;
	owners->groups[count] = getegid();
	owners->group_count = (size_t)count + 1;
	return 0;
}

void owners_begin(struct owners *owners)
{
	owners->digest = digest_new();
}

static bool in_group(const struct owners *owners, gid_t gid)
{
	for (size_t i = 0; i < owners->group_count; i++)
		if (owners->groups[i] == gid)
			return true;
	return false;
}

void owners_map(const struct owners *owners, const struct stat *info, uint32_t *uid, uint32_t *gid)
{
	switch (owners->rule) {
	case OWNERS_KEPT:
		*uid = info->st_uid;
		*gid = info->st_gid;
		return;
	case OWNERS_OWN:
		*uid = info->st_uid == owners->caller ? owners->uid : OWNERS_OTHER;
		*gid = in_group(owners, info->st_gid) ? owners->gid : OWNERS_OTHER;
		return;
	case OWNERS_ONE:
	case OWNERS_RULE_COUNT:
		*uid = owners->uid;
		*gid = owners->gid;
		return;
	}
}

void owners_add(struct owners *owners, enum manifest_step step, const struct stat *info)
{
	char text[32];
	uint32_t uid, gid;
	int len;

	switch (step) {
	case MANIFEST_ENTER:
	case MANIFEST_FILE:
	case MANIFEST_LINK:
	case MANIFEST_OTHER:
	case MANIFEST_UNREADABLE:
		owners_map(owners, info, &uid, &gid);
		len = snprintf(text, sizeof text, "%u %u", uid, gid);
		digest_update(owners->digest, text, (size_t)len + 1);
		return;
	case MANIFEST_LEAVE:
	case MANIFEST_DATA:
	case MANIFEST_FILE_END:
		return;
	}
}

enum fault_code owners_visit(void *context, enum manifest_step step, const struct stat *info,
			     const void *data, size_t len, struct fault *fault)
{
	(void)data;
	(void)len;
	(void)fault;
	owners_add(context, step, info);
	return FAULT_NONE;
}

void owners_end(struct owners *owners, char hash[DIGEST_TEXT_SIZE])
{
	uint8_t value[DIGEST_SIZE];

	digest_value(owners->digest, value);
	digest_text(value, hash);
	digest_free(owners->digest);
	owners->digest = NULL;
}
