/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/cgroup_limit.h"

#include "stages/launch/cgroup_file.h"
#include "stages/launch/cgroup_read.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool cgroup_limit_matches(const char *asked, const char *answer, enum cgroup_match match,
			  uint64_t page_size)
{
	uint64_t want = 0;
	uint64_t got = 0;
	if (strcmp(asked, answer) == 0)
		return true;
	switch (match) {
	case CGROUP_MATCH_EXACT:
		return false;
	case CGROUP_MATCH_PAGE:
		return cgroup_number_parse(asked, NULL, &want) &&
		       cgroup_number_parse(answer, NULL, &got) && got <= want &&
		       want - got < page_size;
	}
	return false;
}

enum cgroup_put cgroup_limit_put(struct cgroup_clause *clause, int dir_fd, const char *file,
				 const char *value, enum cgroup_match match)
{
	char answer[CGROUP_VALUE_SIZE];
	if (cgroup_file_set(dir_fd, file, value, answer, sizeof(answer)) != 0) {
		bool absent = errno == ENOENT;
		cgroup_clause_reason(clause, "%s: %s", file, strerror(errno));
		return absent ? CGROUP_PUT_ABSENT : CGROUP_PUT_FAILED;
	}
	cgroup_clause_fact(clause, file, answer);
	if (cgroup_limit_matches(value, answer, match, (uint64_t)sysconf(_SC_PAGESIZE)))
		return CGROUP_PUT_HELD;
	cgroup_clause_reason(clause, "%s was set to %s but the kernel answers %s", file, value,
			     answer);
	return CGROUP_PUT_FAILED;
}

enum cgroup_put cgroup_limit_put_number(struct cgroup_clause *clause, int dir_fd, const char *file,
					uint64_t value, enum cgroup_match match)
{
	char text[CGROUP_VALUE_SIZE];
	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	return cgroup_limit_put(clause, dir_fd, file, text, match);
}

bool cgroup_swap_listed(const char *proc_swaps)
{
	const char *first = strchr(proc_swaps, '\n');
	return first != NULL && first[1] != '\0';
}

static bool host_has_swap(void)
{
	char text[512];
	int fd = open("/proc/swaps", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno != ENOENT; /* no such file: a kernel built without swap */
	int result = cgroup_file_read_fd(fd, text, sizeof(text));
	(void)close(fd);
	return result != 0 || cgroup_swap_listed(text);
}

bool cgroup_limit_swap(struct cgroup_clause *clause, int dir_fd, const char *file, uint64_t value)
{
	switch (cgroup_limit_put_number(clause, dir_fd, file, value, CGROUP_MATCH_PAGE)) {
	case CGROUP_PUT_HELD:
		cgroup_clause_fact(clause, "swap", "limited");
		return true;
	case CGROUP_PUT_ABSENT:
		break;
	case CGROUP_PUT_FAILED:
		return false;
	}
	if (host_has_swap()) {
		cgroup_clause_fact(clause, "swap", "not counted");
		cgroup_clause_reason(clause,
				     "the host has swap but does not account for it: boot with "
				     "swapaccount=1, or turn swap off");
		return false;
	}
	cgroup_clause_fact(clause, "swap", "the host has none");
	clause->reason[0] = '\0';
	return true;
}

struct cgroup_bandwidth cgroup_bandwidth_min(struct cgroup_bandwidth a, struct cgroup_bandwidth b)
{
	if (b.quota_us == 0 || b.period_us == 0)
		return a;
	if (a.quota_us == 0 || a.period_us == 0)
		return b;
	unsigned __int128 share_a = (unsigned __int128)a.quota_us * b.period_us;
	unsigned __int128 share_b = (unsigned __int128)b.quota_us * a.period_us;
	return share_b < share_a ? b : a;
}
