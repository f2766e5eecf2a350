/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-egress: lets a run's connections out that say the name they were allowed for.
 *
 * PURPOSE  Hold the connections of rules with "match: name" against the name: the server name of
 *          TLS at 443, the host of every HTTP request at 80. Answer the run's questions for names
 *          where the policy has wildcards.
 * READS    one plan on stdin (stages/egress/book.h); its end is the run's end. What the run says on
 *          connections and in questions; what nameservers answer. resolv.conf through --resolv-fd.
 * WRITES   {"type":"ready"}, and at the end one record of what was let through and what refused.
 * HOLDS    a netlink socket, to ask which addresses are this host's and its gateways'; sockets made
 *          in the run's network namespace: --listen-fd, where the filter turns its connections to,
 *          and with wildcards --dns-fd and --dns-tcp-fd. Sockets of the host's network, which it
 *          connects where a connection was going: ports 53, 80 and 443 alone where Landlock can say
 *          so (ABI 4). No file, no capability; as root sr-launch starts it as nobody.
 * FILTER   sandbox/filters/egress.filter.
 * REFUSES  with a reset and an entry: no name, another name, a name it cannot see (ECH) or could be
 *          made to see differently than the server, an address this run did not resolve for the
 *          name, this host's own and its gateways unless a cidr names them, anything that is no TLS
 *          at 443 or no HTTP/1 at 80. Questions for other names, which leave nothing and ask nobody.
 * WHY NOT  in sr-launch or the filter: it reads what the workload writes. WHY NOT a proxy the
 *          program is told of: what it is told it can ignore.
 */
#include "ipc/object.h"
#include "stages/egress/service.h"
#include "stages/stage.h"

#include <fcntl.h>
#include <json-c/json.h>
#include <sys/resource.h>
#include <unistd.h>

#define CODE FAULT_RUN_NETWORK

enum { OPTION_LISTEN_FD, OPTION_DNS_FD, OPTION_DNS_TCP_FD, OPTION_RESOLV_FD, OPTION_COUNT };

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_LISTEN_FD] = {"listen-fd", STAGE_OPTION_FD, 0, 0, "N",
			      "a TCP listener in the run's network namespace"},
	[OPTION_DNS_FD] = {"dns-fd", STAGE_OPTION_FD, 0, 0, "N",
			   "its UDP socket for questions, with wildcards"},
	[OPTION_DNS_TCP_FD] = {"dns-tcp-fd", STAGE_OPTION_FD, 0, 0, "N",
			       "its TCP listener for questions, with wildcards"},
	[OPTION_RESOLV_FD] = {"resolv-fd", STAGE_OPTION_FD, 0, 0, "N", "the host's resolv.conf"},
};

static bool never_waits(int fd)
{
	const int flags = fd < 0 ? 0 : fcntl(fd, F_GETFL);

	return fd < 0 || (flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0);
}

static enum stage_exit egress_open(struct stage_context *context)
{
	const struct stage_value *values = context->values;
	struct service *service = context->state;
	struct rlimit files;
	const bool dns = values[OPTION_DNS_FD].given;

	if (!values[OPTION_LISTEN_FD].given || dns != values[OPTION_DNS_TCP_FD].given ||
	    dns != values[OPTION_RESOLV_FD].given) {
		stage_complain(context->stage, "needs --listen-fd N, and all or none of --dns-fd, "
					       "--dns-tcp-fd, --resolv-fd");
		return STAGE_USAGE;
	}
	/* What a client of theirs takes back before it is accepted must not be waited for. */
	if (!never_waits(values[OPTION_LISTEN_FD].fd) || !never_waits(values[OPTION_DNS_FD].fd) ||
	    !never_waits(values[OPTION_DNS_TCP_FD].fd) || getrlimit(RLIMIT_NOFILE, &files) < 0) {
		stage_complain(context->stage, "cannot prepare its descriptors");
		return STAGE_FAILED;
	}
	if (own_host_open(&service->host) < 0) {
		stage_complain(context->stage, "cannot ask the kernel for its routes");
		return STAGE_FAILED;
	}
	service->listen_fd = values[OPTION_LISTEN_FD].fd;
	service->connection_max = service_connections(files.rlim_max);
	return STAGE_DONE;
}

/* A wildcard without a service could never be reached: somebody forgot one of the two. */
static enum fault_code check_service(const struct service *service, bool dns, struct fault *fault)
{
	for (size_t i = 0; i < service->book.rule_count; i++)
		if (service->book.rules[i].wild && !dns)
			return fault_set(fault, CODE, "rules",
					 "a wildcard needs the descriptors for questions");
	return FAULT_NONE;
}

/* At once, and not when it is tried: what is pinned is known now. */
static enum fault_code check_pinned(struct service *service, struct fault *fault)
{
	const struct book *book = &service->book;
	char text[REACH_TEXT_SIZE];

	for (size_t i = 0; i < book->rule_count; i++) {
		const struct book_rule *rule = &book->rules[i];

		for (size_t k = 0; k < rule->addresses.count; k++) {
			const uint32_t address = rule->addresses.items[k];
			const bool loopback = own_host_loopback(address);

			if (!loopback && (reach_names(&book->reach, address) ||
					  !own_host_has(&service->host, address)))
				continue;
			reach_address_text(address, text);
			return fault_set(fault, CODE, "launch.network.dns",
					 "%s is at %s, which is this host's own or its gateway: "
					 "%s",
					 rule->host, text,
					 loopback ? "no rule opens that"
						  : "only a cidr of that address opens it");
		}
	}
	return FAULT_NONE;
}

static enum fault_code prepare(struct stage_context *context, struct service *service,
			       struct fault *fault)
{
	const bool dns = context->values[OPTION_DNS_FD].given;
	struct resolv_conf conf = {.server_count = 0};
	const char *line;
	size_t len;
	enum fault_code code = FAULT_NONE;

	switch (record_read(service->input, &line, &len, CODE, fault)) {
	case RECORD_LINE:
		code = book_read(line, len, &service->book, fault);
		break;
	case RECORD_END:
	case RECORD_AGAIN:
		code = fault_set(fault, CODE, "launch.network.egress", "nobody said what may pass");
		break;
	case RECORD_FAULT:
		code = fault->code;
		break;
	}
	if (code == FAULT_NONE)
		code = check_service(service, dns, fault);
	if (code == FAULT_NONE)
		code = check_pinned(service, fault);
	if (code == FAULT_NONE && dns)
		code = resolv_conf_read(context->values[OPTION_RESOLV_FD].fd, &conf, fault);
	if (code == FAULT_NONE)
		names_open(&service->names, context->values[OPTION_DNS_FD].fd,
			   context->values[OPTION_DNS_TCP_FD].fd, &conf, &service->book,
			   &service->tally);
	return code;
}

static enum fault_code tell(struct stage_context *context, struct json_object *value,
			    struct fault *fault)
{
	struct json_object *record OBJECT_CLEANUP = value;

	return record_send(&context->out, record, RECORD_EVENT_MAX, fault);
}

static enum fault_code tell_ready(struct stage_context *context, struct fault *fault)
{
	struct json_object *record = object_new();

	object_add_string(record, "type", "ready");
	return tell(context, record, fault);
}

static enum fault_code tell_fault(struct stage_context *context, const struct fault *why,
				  struct fault *fault)
{
	struct json_object *record = object_new();
	struct json_object *errors = array_new();

	array_append(errors, fault_to_json(why));
	object_add(record, "errors", errors);
	return tell(context, record, fault);
}

static enum stage_exit egress_run(struct stage_context *context)
{
	struct service *service = context->state;
	struct record_reader input;
	struct fault fault, send_fault;
	enum fault_code code, sent = FAULT_NONE;

	record_reader_init(&input, STDIN_FILENO, RECORD_EVENT_MAX);
	service->input = &input;
	code = prepare(context, service, &fault);
	if (code == FAULT_NONE)
		sent = tell_ready(context, &send_fault);
	if (code == FAULT_NONE && sent == FAULT_NONE)
		code = service_run(service, &fault);
	if (sent == FAULT_NONE)
		sent = code == FAULT_NONE ? tell(context, service_final(service), &send_fault)
					  : tell_fault(context, &fault, &send_fault);
	record_reader_release(&input);
	book_release(&service->book);
	if (sent != FAULT_NONE) {
		stage_complain(context->stage, "%s", send_fault.message);
		return STAGE_FAILED;
	}
	return code == FAULT_NONE ? STAGE_DONE : STAGE_REFUSED;
}

int main(int argc, char **argv)
{
	static struct service service;
	static const struct stage stage = {
		.name = "sr-egress",
		.summary = "connections held against names: sr-egress --listen-fd N <plan",
		.profile = &sandbox_profile_egress,
		.options = options,
		.option_count = OPTION_COUNT,
		.survives_keyboard = true,
		.open = egress_open,
		.run = egress_run,
	};

	return stage_main(&stage, &service, argc, argv);
}
