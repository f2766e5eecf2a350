/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/resolve/resolv_conf.h"

#include "stages/resolve/lookup.h"
#include "stages/resolve/reach.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define BLANK	    " \t\r"
#define LINE_SIZE   256
#define USUAL_MS    1000
#define USUAL_TRIES 3

/* The word at *at, and *at moved behind it; its length, 0 at the end. */
static size_t next_word(char **at, char **word)
{
	size_t len;

	*at += strspn(*at, BLANK);
	*word = *at;
	len = strcspn(*at, BLANK);
	*at += len;
	if (**at != '\0')
		*(*at)++ = '\0';
	return len;
}

static bool option_number(const char *word, const char *name, unsigned max, unsigned *out)
{
	const size_t len = strlen(name);
	unsigned value = 0;

	if (strncmp(word, name, len) != 0)
		return false;
	word += len;
	for (size_t i = 0; word[i] >= '0' && word[i] <= '9' && i < 4; i++)
		value = value * 10 + (unsigned)(word[i] - '0');
	*out = value == 0 ? 1 : value > max ? max : value;
	return true;
}

static void read_line(char *line, struct resolv_conf *conf)
{
	char *word;
	unsigned number;

	if (next_word(&line, &word) == 0)
		return;
	if (strcmp(word, "nameserver") == 0) {
		uint32_t address;

		if (next_word(&line, &word) > 0 && conf->server_count < RESOLV_SERVER_MAX &&
		    reach_address_parse(word, &address))
			conf->servers[conf->server_count++] = address;
		return;
	}
	if (strcmp(word, "options") != 0)
		return;
	while (next_word(&line, &word) > 0) {
		if (option_number(word, "timeout:", RESOLV_TIMEOUT_MAX, &number))
			conf->try_ms = number * 1000;
		else if (option_number(word, "attempts:", RESOLV_ATTEMPT_MAX, &number))
			conf->attempts = number;
	}
}

enum fault_code resolv_conf_parse(const char *text, size_t len, struct resolv_conf *conf,
				  struct fault *fault)
{
	*conf = (struct resolv_conf){.try_ms = USUAL_MS, .attempts = USUAL_TRIES};
	for (size_t at = 0; at < len;) {
		const char *end = memchr(text + at, '\n', len - at);
		const size_t line_len = (end != NULL ? (size_t)(end - text) : len) - at;
		char line[LINE_SIZE];

		/* Longer ones are search lists. */
		if (line_len < sizeof line && memchr(text + at, '\0', line_len) == NULL) {
			memcpy(line, text + at, line_len);
			line[line_len] = '\0';
			read_line(line, conf);
		}
		at += line_len + 1;
	}
	if (conf->server_count == 0)
		return fault_set(fault, FAULT_RUN_NETWORK, LOOKUP_PATH,
				 "the host's resolv.conf names no IPv4 nameserver; add one, or "
				 "write rules by cidr");
	return FAULT_NONE;
}

enum fault_code resolv_conf_read(int fd, struct resolv_conf *conf, struct fault *fault)
{
	char text[RESOLV_FILE_MAX];
	size_t len = 0;

	while (len < sizeof text) {
		ssize_t count = pread(fd, text + len, sizeof text - len, (off_t)len);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return fault_set_errno(fault, FAULT_RUN_NETWORK, errno, LOOKUP_PATH,
					       "cannot read resolv.conf");
		if (count == 0)
			return resolv_conf_parse(text, len, conf, fault);
		len += (size_t)count;
	}
	return fault_set(fault, FAULT_RUN_NETWORK, LOOKUP_PATH,
			 "resolv.conf is longer than %zu bytes", sizeof text);
}
