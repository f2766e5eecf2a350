/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/site.h"

#include "ipc/field.h"

#include <stdarg.h>
#include <stdio.h>

struct site site_member(const struct site *parent, const char *name, const struct node *node)
{
	struct site site = {.reading = parent->reading, .node = node, .code = parent->code};

	field_path_name(site.path, sizeof(site.path), parent->path, name);
	return site;
}

struct site site_item(const struct site *parent, size_t index, const struct node *node)
{
	struct site site = {.reading = parent->reading, .node = node, .code = parent->code};

	field_path_index(site.path, sizeof(site.path), parent->path, index);
	return site;
}

static void site_add(const struct site *site, struct fault_list *list, enum fault_code code,
		     const char *message)
{
	struct fault fault;

	if (site->node == NULL)
		fault_set(&fault, code, site->path, "%s", message);
	else if (site->node->mark.line == 0)
		fault_set(&fault, code, site->path, "from --set: %s", message);
	else
		fault_set(&fault, code, site->path, "line %u, column %u: %s", site->node->mark.line,
			  site->node->mark.column, message);
	fault_list_add(list, &fault);
}

void site_refuse(const struct site *site, enum fault_code code, const char *format, ...)
{
	char message[FAULT_MESSAGE_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	site_add(site, &site->reading->errors, code, message);
}

void site_warn(const struct site *site, enum fault_code code, const char *format, ...)
{
	char message[FAULT_MESSAGE_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	site_add(site, &site->reading->warnings, code, message);
}
