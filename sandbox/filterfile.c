/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/filterfile.h"

#include "sandbox/filterconst.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SIZE 1024
#define WORDS_MAX 128

struct source {
	struct filter_file *file;
	const char *path;
	unsigned line;
	bool included;	   /* its default is not ours */
	bool allowed_only; /* take lines that allow */
	bool has_default;
};

struct words {
	char text[LINE_SIZE];
	const char *at[WORDS_MAX];
	size_t count;
};

static bool source_read(struct filter_file *file, const char *path, bool included,
			bool allowed_only);

__attribute__((format(printf, 2, 3))) static bool refuse(const struct source *source,
							 const char *format, ...)
{
	char *error = source->file->error;
	size_t size = sizeof source->file->error;
	int len = snprintf(error, size, "%s:%u: ", source->path, source->line);
	va_list args;

	va_start(args, format);
	vsnprintf(error + len, size - (size_t)len, format, args);
	va_end(args);
	return false;
}

static bool action_parse(const char *word, enum filter_action *action)
{
	static const char *const names[] = {
		[FILTER_ALLOW] = "allow",   [FILTER_KILL] = "kill",
		[FILTER_ENOSYS] = "enosys", [FILTER_EPERM] = "eperm",
		[FILTER_EACCES] = "eacces", [FILTER_EAFNOSUPPORT] = "eafnosupport",
		[FILTER_IGNORE] = "ignore",
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strcmp(word, names[i]) == 0) {
			*action = (enum filter_action)i;
			return true;
		}
	}
	return false;
}

static bool term_parse(const char *term, uint64_t *value)
{
	char *end;

	if (isdigit((unsigned char)*term)) {
		errno = 0;
		*value = strtoull(term, &end, strncmp(term, "0x", 2) == 0 ? 16 : 10);
		return errno == 0 && *end == '\0';
	}
	for (size_t i = 0; i < sizeof filter_constants / sizeof *filter_constants; i++) {
		if (strcmp(term, filter_constants[i].name) == 0) {
			*value = filter_constants[i].value;
			return true;
		}
	}
	return false;
}

static bool value_parse(const struct source *source, const char *word, uint64_t *value)
{
	char text[LINE_SIZE];
	char *rest = text, *term;

	snprintf(text, sizeof text, "%s", word);
	*value = 0;
	while ((term = strsep(&rest, "|"))) {
		uint64_t part;

		if (!term_parse(term, &part))
			return refuse(source, "'%s' is no number and no constant known here", term);
		*value |= part;
	}
	return true;
}

static bool operator_parse(const char *word, enum scmp_compare *op)
{
	static const struct {
		const char *text;
		enum scmp_compare op;
	} operators[] = {
		{"==", SCMP_CMP_EQ}, {"!=", SCMP_CMP_NE}, {"<", SCMP_CMP_LT},
		{"<=", SCMP_CMP_LE}, {">", SCMP_CMP_GT},  {">=", SCMP_CMP_GE},
	};

	for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
		if (strcmp(word, operators[i].text) == 0) {
			*op = operators[i].op;
			return true;
		}
	}
	return false;
}

static bool is_index(const char *word)
{
	return isdigit((unsigned char)word[0]) && word[1] == '\0';
}

/* INDEX OP VALUE or INDEX & MASK == VALUE at words->at[*next]; *next moves past it. */
static bool condition_parse(const struct source *source, const struct words *words, size_t *next,
			    struct filter_rule *rule)
{
	struct scmp_arg_cmp condition = {0};
	const char *const *word = words->at + *next;
	size_t left = words->count - *next;
	bool masked = left >= 2 && strcmp(word[1], "&") == 0;
	size_t need = masked ? 5 : 3;

	if (left < need || !is_index(word[0]) || word[0][0] - '0' >= FILTER_ARGUMENTS)
		return refuse(source, "a condition is INDEX OP VALUE or INDEX & VALUE == VALUE");
	condition.arg = (unsigned)(word[0][0] - '0');
	for (unsigned i = 0; i < rule->condition_count; i++)
		if (rule->conditions[i].arg == condition.arg)
			return refuse(source, "two conditions on argument %u", condition.arg);
	if (masked) {
		condition.op = SCMP_CMP_MASKED_EQ;
		if (strcmp(word[3], "==") != 0)
			return refuse(source, "after a mask only == is possible");
		if (!value_parse(source, word[2], &condition.datum_a) ||
		    !value_parse(source, word[4], &condition.datum_b))
			return false;
		if (condition.datum_b & ~condition.datum_a)
			return refuse(source, "'%s' has bits outside '%s'", word[4], word[2]);
	} else {
		if (!operator_parse(word[1], &condition.op))
			return refuse(source, "'%s' is no comparison", word[1]);
		if (!value_parse(source, word[2], &condition.datum_a))
			return false;
	}
	rule->conditions[rule->condition_count++] = condition;
	*next += need;
	return true;
}

static bool conditions_parse(const struct source *source, const struct words *words, size_t next,
			     struct filter_rule *rule)
{
	for (;;) {
		if (!condition_parse(source, words, &next, rule))
			return false;
		if (next == words->count)
			return true;
		if (strcmp(words->at[next], "and") != 0)
			return refuse(source, "'%s' where 'and' is due", words->at[next]);
		next++;
	}
}

/* One call, two meanings: libseccomp would keep the unconditional one and say nothing. */
static bool rule_fits(const struct source *source, const struct filter_rule *rule)
{
	const struct filter_file *file = source->file;

	for (size_t i = 0; i < file->rule_count; i++) {
		const struct filter_rule *other = &file->rules[i];

		if (other->number == rule->number && other->action != rule->action &&
		    (other->condition_count == 0 || rule->condition_count == 0))
			return refuse(source, "%s:%u says otherwise about the same call",
				      other->path, other->line);
	}
	return true;
}

static bool rule_add(const struct source *source, const char *name, const struct words *words,
		     size_t next, struct filter_rule rule)
{
	struct filter_file *file = source->file;
	bool optional = strncmp(name, "any:", 4) == 0;

	rule.number = seccomp_syscall_resolve_name(optional ? name + 4 : name);
	if (rule.number == __NR_SCMP_ERROR)
		return refuse(source, "there is no system call '%s'", name);
	/* libseccomp gives calls another architecture has a negative number of its own. */
	if (rule.number < 0)
		return optional || refuse(source, "'%s' is not of this architecture", name);
	if (next < words->count && !conditions_parse(source, words, next, &rule))
		return false;
	/* What the file itself says of a call stands against one added to it. */
	if (!rule_fits(source, &rule))
		return source->file->adding;
	if (file->rule_count == FILTER_RULES_MAX)
		return refuse(source, "more than %d rules", FILTER_RULES_MAX);
	file->rules[file->rule_count++] = rule;
	return true;
}

static bool rule_line(const struct source *source, const struct words *words)
{
	struct filter_rule rule = {
		.action = FILTER_ALLOW, .path = source->path, .line = source->line};
	size_t first = action_parse(words->at[0], &rule.action) ? 1 : 0;

	if (first == words->count)
		return refuse(source, "'%s' of what?", words->at[0]);
	if (source->allowed_only && rule.action != FILTER_ALLOW)
		return true;
	/* Says nothing, and is what somebody writes who wants the call kill allowed. */
	if (rule.action == FILTER_KILL && source->has_default && !source->included &&
	    source->file->fallback == FILTER_KILL)
		return refuse(source, "kill is the default; the call of that name is 'allow kill'");
	if (words->count > first + 1 && is_index(words->at[first + 1]))
		return rule_add(source, words->at[first], words, first + 1, rule);
	for (size_t i = first; i < words->count; i++)
		if (!rule_add(source, words->at[i], words, words->count, rule))
			return false;
	return true;
}

static bool default_line(struct source *source, const struct words *words)
{
	enum filter_action action;

	if (words->count != 2 || !action_parse(words->at[1], &action) || action == FILTER_ALLOW)
		return refuse(source, "default kill, enosys, eperm or eacces");
	if (source->has_default)
		return refuse(source, "a second default");
	source->has_default = true;
	if (!source->included)
		source->file->fallback = action;
	return true;
}

static bool include_line(const struct source *source, const struct words *words)
{
	const char *slash = strrchr(source->path, '/');
	int directory_len = slash ? (int)(slash - source->path) + 1 : 0;
	char path[FILTER_PATH_SIZE];

	if (words->count != 2 || snprintf(path, sizeof path, "%.*s%s", directory_len, source->path,
					  words->at[1]) >= (int)sizeof path)
		return refuse(source, "include PATH");
	return source_read(source->file, path, true,
			   source->allowed_only || strcmp(words->at[0], "include-allowed") == 0);
}

static bool line_parse(struct source *source, struct words *words)
{
	char *rest = words->text, *word;

	words->text[strcspn(words->text, "#\n")] = '\0';
	words->count = 0;
	while ((word = strsep(&rest, " \t"))) {
		if (*word == '\0')
			continue;
		if (words->count == WORDS_MAX)
			return refuse(source, "more than %d words", WORDS_MAX);
		words->at[words->count++] = word;
	}
	if (words->count == 0)
		return true;
	if (strcmp(words->at[0], "default") == 0)
		return default_line(source, words);
	if (strcmp(words->at[0], "include") == 0 || strcmp(words->at[0], "include-allowed") == 0)
		return include_line(source, words);
	return rule_line(source, words);
}

static bool source_lines(struct source *source, FILE *stream)
{
	struct words words;

	while (fgets(words.text, sizeof words.text, stream)) {
		source->line++;
		if (!strchr(words.text, '\n') && !feof(stream))
			return refuse(source, "line longer than %zu bytes", sizeof words.text - 2);
		if (!line_parse(source, &words))
			return false;
	}
	if (ferror(stream))
		return refuse(source, "%s", strerror(errno));
	return source->has_default || source->included || refuse(source, "no default");
}

static bool source_read(struct filter_file *file, const char *path, bool included,
			bool allowed_only)
{
	struct source source = {
		.file = file, .path = path, .included = included, .allowed_only = allowed_only};
	FILE *stream;
	bool done;

	/* Also the end of files that include each other. */
	if (file->path_count == FILTER_PATHS_MAX)
		return refuse(&source, "more than %d files", FILTER_PATHS_MAX);
	snprintf(file->paths[file->path_count], FILTER_PATH_SIZE, "%s", path);
	source.path = file->paths[file->path_count++];
	stream = fopen(path, "re");
	if (!stream)
		return refuse(&source, "%s", strerror(errno));
	done = source_lines(&source, stream);
	fclose(stream);
	return done;
}

bool filter_file_read(struct filter_file *file, const char *path)
{
	file->rule_count = 0;
	file->path_count = 0;
	file->adding = false;
	file->error[0] = '\0';
	return source_read(file, path, false, false);
}

bool filter_file_add(struct filter_file *file, const char *path)
{
	file->adding = true;
	return source_read(file, path, true, true);
}
