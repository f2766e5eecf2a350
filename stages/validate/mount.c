/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/mount.h"

#include "stages/validate/allowlist.h"
#include "stages/validate/facts_replay.h"
#include "stages/validate/path.h"

#include <errno.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void refuse_resolve(const struct site *site, const char *text, int error)
{
	const char *why;

	switch (error) {
	case ENOENT:
		why = "does not exist on this host; create it or correct the path";
		break;
	case EACCES:
		why = "cannot be reached by the user who runs this; make its directories "
		      "searchable";
		break;
	case ELOOP:
		why = "goes through a loop of links or a link of /proc; write the real path";
		break;
	case ENOTDIR:
		why = "goes through something that is no directory; correct the path";
		break;
	case EILSEQ:
		why = "leads to a name with control characters or bytes that are not UTF-8; rename "
		      "it";
		break;
	case ESTALE:
		why = "changed while it was looked at; try again when nothing moves it";
		break;
	default:
		site_refuse(site, FAULT_MOUNT_SOURCE, "the source '" SITE_TEXT "': %s", text,
			    strerror(error));
		return;
	}
	site_refuse(site, FAULT_MOUNT_SOURCE, "the source '" SITE_TEXT "' %s", text, why);
}

static bool source_denied(const struct site *site, const char *text, const char *path)
{
	const char *denied = path_denied_host(path);

	if (denied != NULL)
		site_refuse(site, FAULT_MOUNT_SOURCE,
			    "the source '" SITE_TEXT "' is in %s, which is never mounted into a "
			    "sandbox; copy what is needed to a directory of its own",
			    text, denied);
	return denied != NULL;
}

static bool source_allowed(const struct site *site, const char *text,
			   const struct resolve_facts *facts)
{
	const struct value_texts *prefixes = &site->reading->allowlist->host;
	char words[200];

	if (source_denied(site, text, facts->path))
		return false;
	/* What is mounted below a source comes along: with / all of /proc, /sys and /dev would. */
	if (strcmp(facts->path, "/") == 0) {
		site_refuse(site, FAULT_MOUNT_SOURCE,
			    "the source '" SITE_TEXT
			    "' is the whole host; name the directory that is needed",
			    text);
		return false;
	}
	if (facts->type != RESOLVE_DIRECTORY && facts->type != RESOLVE_FILE) {
		site_refuse(site, FAULT_MOUNT_SOURCE,
			    "the source '" SITE_TEXT "' is neither a directory nor a regular file",
			    text);
		return false;
	}
	if (allowlist_covers(prefixes, facts->path))
		return true;
	allowlist_words(prefixes, words, sizeof(words));
	site_refuse(site, FAULT_MOUNT_SOURCE,
		    "the source '" SITE_TEXT "' leads to '" SITE_TEXT
		    "', outside what may be mounted (%s); "
		    "move it there, or name its directory in a file given with --mount-allowlist",
		    text, facts->path, words);
	return false;
}

/* value: const struct resolve_facts * */
static void read_source(const struct site *site, const void *rule, void *value)
{
	struct document *document = site->reading->document;
	const char *text = value_text(site);
	struct resolve_facts *facts;
	char clean[PATH_TEXT_MAX + 1];
	enum path_fault fault;
	int error;

	(void)rule;
	if (text == NULL)
		return;
	fault = path_check(text);
	if (fault != PATH_OK) {
		site_refuse(site, FAULT_MOUNT_SOURCE, "the source '" SITE_TEXT "' %s", text,
			    path_fault_words(fault));
		return;
	}
	/* /proc is not even looked into; what only leads there is refused once that is known. */
	if (path_clean(text, clean) == PATH_OK && source_denied(site, text, clean))
		return;
	facts = document_alloc(document, sizeof(*facts));
	error = facts_ask(document, text, facts);
	if (error != 0)
		refuse_resolve(site, text, error);
	else if (source_allowed(site, text, facts))
		*(const struct resolve_facts **)value = facts;
}

/* value: const char * */
static void read_target(const struct site *site, const void *rule, void *value)
{
	const struct value_texts *prefixes = &site->reading->allowlist->guest;
	const char *text = value_text(site);
	char clean[PATH_TEXT_MAX + 1];
	char words[200];
	enum path_fault fault;

	(void)rule;
	if (text == NULL)
		return;
	fault = path_clean(text, clean);
	if (fault != PATH_OK) {
		site_refuse(site, FAULT_MOUNT_TARGET, "the target '" SITE_TEXT "' %s", text,
			    path_fault_words(fault));
		return;
	}
	allowlist_words(prefixes, words, sizeof(words));
	if (path_denied_inside(clean) != NULL)
		site_refuse(site, FAULT_MOUNT_TARGET,
			    "the target '" SITE_TEXT "' is %s or below it, part of the sandbox "
			    "itself; choose one in: %s",
			    text, path_denied_inside(clean), words);
	else if (!allowlist_covers(prefixes, clean))
		site_refuse(site, FAULT_MOUNT_TARGET,
			    "the target '" SITE_TEXT "' is outside what may be mounted over; "
			    "choose one in: %s",
			    text, words);
	else
		*(const char **)value =
			document_copy(site->reading->document, clean, strlen(clean));
}

/* value: bool */
static void read_read_only(const struct site *site, const void *rule, void *value)
{
	bool read_only = true;

	value_bool(site, rule, &read_only);
	if (!read_only)
		site_refuse(site, FAULT_MOUNT_COMBINATION,
			    "a mount is read-only, always; write read_only: true");
	*(bool *)value = read_only;
}

/* One target in another would be mounted into a tree that is read-only already. */
static void check_overlap(const struct site *site, void *items, size_t count)
{
	const struct mount *mounts = items;
	const struct node *node = site->node->first;

	for (size_t i = 0; i < count; i++, node = node->next) {
		struct site item = site_item(site, i, node);
		struct site target = site_member(&item, "target", node);

		for (size_t j = 0; j < i && mounts[i].target != NULL; j++) {
			if (mounts[j].target == NULL ||
			    (!path_below(mounts[i].target, mounts[j].target) &&
			     !path_below(mounts[j].target, mounts[i].target)))
				continue;
			site_refuse(&target, FAULT_MOUNT_COMBINATION,
				    "the target '" SITE_TEXT
				    "' overlaps mounts[%zu].target '" SITE_TEXT
				    "'; give each mount a place of its own",
				    mounts[i].target, j, mounts[j].target);
			break;
		}
	}
}

static const struct schema_field fields[] = {
	{.name = "source",
	 .alias = "hostPath",
	 .required = true,
	 .example = "source: /data/input",
	 .offset = offsetof(struct mount, source),
	 .read = read_source},
	{.name = "target",
	 .alias = "guestPath",
	 .required = true,
	 .example = "target: /input",
	 .offset = offsetof(struct mount, target),
	 .read = read_target},
	{.name = "read_only",
	 .alias = "readOnly",
	 .required = true,
	 .example = "read_only: true",
	 .offset = offsetof(struct mount, read_only),
	 .read = read_read_only},
	{.name = "noexec",
	 .example = "noexec: true",
	 .offset = offsetof(struct mount, noexec),
	 .read = value_bool},
};

static const struct schema element = {.fields = fields, .count = COUNT(fields)};

const struct schema_list mount_list = {
	.element = &element,
	.element_size = sizeof(struct mount),
	.max_count = MOUNT_COUNT_MAX,
	.finish = check_overlap,
};
