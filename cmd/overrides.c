/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/overrides.h"

#include "cmd/option.h"
#include "ipc/canon.h"
#include "ipc/object.h"
#include "ipc/record.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define OVERRIDE_LEN_MAX ((size_t)8 << 20) /* as sr-validate's */
#define CPU_PERIOD_US	 100000U
#define CPU_DIGITS	 5 /* behind the point: a hundred-thousandth of a CPU is 1 us */
#define CPU_MAX		 4096U

void overrides_init(struct overrides *overrides)
{
	overrides->count = 0;
}

void overrides_release(struct overrides *overrides)
{
	while (overrides->count > 0)
		buf_release(&overrides->items[--overrides->count]);
}

/* Takes over value. */
static enum fault_code add(struct overrides *overrides, const char *field,
			   struct json_object *value, struct fault *fault)
{
	struct json_object *owned OBJECT_CLEANUP = value;
	struct buf *item = &overrides->items[overrides->count];
	enum fault_code code;

	if (overrides->count == OVERRIDES_MAX)
		return fault_set(fault, FAULT_POLICY_FORMAT, field,
				 "more than %d options that change the policy; write a policy",
				 OVERRIDES_MAX);
	buf_init(item, OVERRIDE_LEN_MAX);
	buf_append_text(item, field);
	buf_append_text(item, "=");
	code = canon_write(owned, item, FAULT_POLICY_FORMAT, fault);
	buf_append(item, "", 1);
	if (code == FAULT_NONE && item->overflowed)
		code = fault_set(fault, FAULT_POLICY_FORMAT, field, "longer than 8 MiB");
	else if (code != FAULT_NONE)
		snprintf(fault->path, sizeof(fault->path), "%s", field);
	if (code == FAULT_NONE)
		overrides->count++;
	else
		buf_release(item);
	return code;
}

static struct json_object *text_value(const char *text)
{
	struct json_object *value = json_object_new_string(text);

	if (value == NULL)
		buf_no_memory();
	return value;
}

enum fault_code overrides_text(struct overrides *overrides, const char *field, const char *text,
			       struct fault *fault)
{
	return add(overrides, field, text_value(text), fault);
}

enum fault_code overrides_amount(struct overrides *overrides, const char *field, const char *text,
				 struct fault *fault)
{
	struct json_object *value;
	uint64_t number;

	if (!option_number(text, 0, CANON_INTEGER_MAX, &number))
		return overrides_text(overrides, field, text, fault);
	value = json_object_new_int64((int64_t)number);
	if (value == NULL)
		buf_no_memory();
	return add(overrides, field, value, fault);
}

/* Microseconds of each period; exact, so no floating point. */
static bool parse_cpus(const char *text, uint64_t *quota_us)
{
	char whole[8] = "0";
	char fraction[CPU_DIGITS + 1] = "00000";
	size_t whole_len = strcspn(text, ".");
	const char *behind = text + whole_len + (text[whole_len] == '.');
	uint64_t cpus;
	uint64_t rest;

	if (whole_len >= sizeof(whole) || strlen(behind) > CPU_DIGITS || strlen(text) == 0)
		return false;
	if (whole_len > 0) {
		memcpy(whole, text, whole_len);
		whole[whole_len] = '\0';
	}
	memcpy(fraction, behind, strlen(behind));
	if (!option_number(whole, 0, CPU_MAX, &cpus) ||
	    !option_number(fraction, 0, CPU_PERIOD_US, &rest))
		return false;
	*quota_us = cpus * CPU_PERIOD_US + rest;
	return *quota_us > 0;
}

enum fault_code overrides_cpu(struct overrides *overrides, const char *text, struct fault *fault)
{
	char max[48];
	uint64_t quota_us;

	if (strcmp(text, "max") == 0)
		snprintf(max, sizeof(max), "max %u", CPU_PERIOD_US);
	else if (parse_cpus(text, &quota_us))
		snprintf(max, sizeof(max), "%llu %u", (unsigned long long)quota_us, CPU_PERIOD_US);
	else
		return overrides_text(overrides, "resources.cpu.max", text, fault);
	return overrides_text(overrides, "resources.cpu.max", max, fault);
}

static bool name_valid(const char *name, size_t len)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
				      "0123456789";

	return len > 0 && strspn(name, allowed) >= len && (*name < '0' || *name > '9');
}

enum fault_code overrides_env(struct overrides *overrides, const char *text, struct fault *fault)
{
	char field[FAULT_PATH_SIZE];
	size_t name_len = strcspn(text, "=");
	const char *value = text + name_len + 1;

	if (!name_valid(text, name_len) || name_len > 128)
		return fault_set(fault, FAULT_POLICY_FORMAT, "runtime.env",
				 "--env '%s': a variable is NAME=VALUE, with a NAME of letters, "
				 "digits and _",
				 text);
	snprintf(field, sizeof(field), "runtime.env.%.*s", (int)name_len, text);
	if (text[name_len] == '\0')
		value = getenv(text);
	if (value == NULL)
		return fault_set(fault, FAULT_POLICY_FORMAT, field,
				 "--env %s copies the variable from the caller, but it is not set",
				 text);
	return overrides_text(overrides, field, value, fault);
}

enum fault_code overrides_command(struct overrides *overrides, char *const words[],
				  struct fault *fault)
{
	struct json_object *args = array_new();
	enum fault_code code = overrides_text(overrides, "runtime.command", words[0], fault);

	for (size_t i = 1; words[i] != NULL; i++)
		array_append_string(args, words[i]);
	if (code == FAULT_NONE)
		return add(overrides, "runtime.args", args, fault);
	object_release(&args);
	return code;
}

enum fault_code overrides_file(const struct overrides *overrides, int *fd, struct fault *fault)
{
	int error = 0;

	*fd = -1;
	if (overrides->count == 0)
		return FAULT_NONE;
	*fd = memfd_create("overrides", MFD_CLOEXEC);
	if (*fd < 0)
		error = errno;
	for (size_t i = 0; error == 0 && i < overrides->count; i++)
		if (record_write_all(*fd, overrides->items[i].data, overrides->items[i].len) != 0)
			error = errno;
	if (error == 0 && lseek(*fd, 0, SEEK_SET) != 0)
		error = errno;
	if (error == 0)
		return FAULT_NONE;
	return fault_set_errno(fault, FAULT_RUN_INIT, error, "safe-run",
			       "cannot hand the options to sr-validate");
}
