/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/yaml.h"

#include "ipc/buf.h"
#include "stages/validate/builder.h"

#include <string.h>
#include <yaml.h>

struct reader {
	yaml_parser_t parser;
	struct builder builder;
	const char *data;
	size_t len;
	bool seen_document;
};

static struct mark mark_of(yaml_mark_t mark)
{
	return (struct mark){(unsigned)mark.line + 1, (unsigned)mark.column + 1};
}

/* Whether the white space a line starts with, up to offset, holds a tab. */
static bool indented_with_tab(const struct reader *reader, size_t offset)
{
	size_t start = offset < reader->len ? offset : reader->len;

	while (start > 0 && reader->data[start - 1] != '\n')
		start--;
	for (; start < reader->len; start++) {
		if (reader->data[start] == '\t')
			return true;
		if (reader->data[start] != ' ' && reader->data[start] != '-')
			return false;
	}
	return false;
}

static enum fault_code refuse_syntax(const struct reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;
	struct mark mark = mark_of(parser->problem_mark);
	const char *problem = parser->problem != NULL ? parser->problem : "not YAML";

	if (parser->error == YAML_MEMORY_ERROR)
		buf_no_memory();
	if (parser->error == YAML_READER_ERROR)
		return builder_refuse(&reader->builder, mark_of(parser->mark),
				      "U+%04X: %s; write it as an escape in double quotes",
				      (unsigned)parser->problem_value, problem);
	if (indented_with_tab(reader, parser->problem_mark.index))
		return builder_refuse(&reader->builder, mark,
				      "a tab used as indentation; use spaces");
	return builder_refuse(&reader->builder, mark, "not YAML: %s%s%s", problem,
			      parser->context != NULL ? ", " : "",
			      parser->context != NULL ? parser->context : "");
}

static enum fault_code check_properties(const struct reader *reader, struct mark mark,
					const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor != NULL)
		return builder_refuse(&reader->builder, mark,
				      "anchors (&%.64s) are not accepted; write the value out",
				      (const char *)anchor);
	if (tag != NULL)
		return builder_refuse(&reader->builder, mark,
				      "tags (%.64s) are not accepted; leave it out",
				      (const char *)tag);
	return FAULT_NONE;
}

static enum fault_code read_document_start(struct reader *reader, const yaml_event_t *event)
{
	struct mark mark = mark_of(event->start_mark);

	if (reader->seen_document)
		return builder_refuse(&reader->builder, mark,
				      "a second document starts here; a policy is one document");
	reader->seen_document = true;
	if (event->data.document_start.version_directive != NULL ||
	    event->data.document_start.tag_directives.start !=
		    event->data.document_start.tag_directives.end)
		return builder_refuse(
			&reader->builder, mark,
			"directives (%%YAML, %%TAG) are not accepted; leave them out");
	return FAULT_NONE;
}

static enum fault_code read_scalar(struct reader *reader, const yaml_event_t *event)
{
	struct mark mark = mark_of(event->start_mark);
	enum fault_code code =
		check_properties(reader, mark, event->data.scalar.anchor, event->data.scalar.tag);

	if (code != FAULT_NONE)
		return code;
	return builder_scalar(&reader->builder, (const char *)event->data.scalar.value,
			      event->data.scalar.length,
			      event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE, mark);
}

static enum fault_code read_collection(struct reader *reader, const yaml_event_t *event,
				       enum node_kind kind)
{
	struct mark mark = mark_of(event->start_mark);
	const bool list = kind == NODE_LIST;
	enum fault_code code = check_properties(
		reader, mark,
		list ? event->data.sequence_start.anchor : event->data.mapping_start.anchor,
		list ? event->data.sequence_start.tag : event->data.mapping_start.tag);

	if (code != FAULT_NONE)
		return code;
	return builder_open(&reader->builder, kind, mark);
}

static enum fault_code read_event(struct reader *reader, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return FAULT_NONE;
	case YAML_DOCUMENT_START_EVENT:
		return read_document_start(reader, event);
	case YAML_ALIAS_EVENT:
		return builder_refuse(&reader->builder, mark_of(event->start_mark),
				      "aliases (*%.64s) are not accepted; write the value out",
				      (const char *)event->data.alias.anchor);
	case YAML_SCALAR_EVENT:
		return read_scalar(reader, event);
	case YAML_SEQUENCE_START_EVENT:
		return read_collection(reader, event, NODE_LIST);
	case YAML_MAPPING_START_EVENT:
		return read_collection(reader, event, NODE_MAPPING);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		builder_close(&reader->builder);
		return FAULT_NONE;
	}
	__builtin_unreachable();
}

static enum fault_code read_events(struct reader *reader)
{
	for (;;) {
		yaml_event_t event;
		yaml_event_type_t type;
		enum fault_code code;

		if (!yaml_parser_parse(&reader->parser, &event))
			return refuse_syntax(reader);
		type = event.type;
		code = read_event(reader, &event);
		yaml_event_delete(&event);
		if (code != FAULT_NONE || type == YAML_STREAM_END_EVENT)
			return code;
	}
}

enum fault_code yaml_read(const char *data, size_t len, struct document *document,
			  struct fault *fault)
{
	struct reader reader = {.data = data, .len = len};
	enum fault_code code;

	builder_init(&reader.builder, document, fault);
	if (!yaml_parser_initialize(&reader.parser))
		buf_no_memory();
	/* Said, not guessed: libyaml would take a byte order mark for an encoding. */
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)data, len);
	code = read_events(&reader);
	yaml_parser_delete(&reader.parser);
	return code;
}
