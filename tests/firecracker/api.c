/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of Firecracker's API that snapshots take: each body is held against the published description,
 * and each request against the state that it may come in.
 */
#include "tests/firecracker/firecracker.h"

#include "tests/support/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firecracker_api.h" /* tests/vectors/compile/firecracker-api.json, as bytes */

#define REQUEST_SIZE 8192
#define WHY_SIZE     256

struct call {
	struct standin *standin;
	const char *path;
	struct json_object *body;
	char why[WHY_SIZE]; /* of a refusal */
};

static const char *text(const struct call *call, const char *name)
{
	return json_object_get_string(json_object_object_get(call->body, name));
}

static bool refuse(struct call *call, const char *why)
{
	snprintf(call->why, sizeof call->why, "%s", why);
	return false;
}

static bool set_state(struct call *call)
{
	bool paused = strcmp(text(call, "state"), "Paused") == 0;

	if (!call->standin->booted || call->standin->paused == paused)
		return refuse(call, "not in this state");
	call->standin->paused = paused;
	return true;
}

static bool write_file(const char *path, const char *data)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	bool done = fd >= 0 && write(fd, data, strlen(data)) == (ssize_t)strlen(data);

	close(fd);
	return done;
}

static bool create(struct call *call)
{
	if (!call->standin->booted || !call->standin->paused)
		return refuse(call, "the microVM is not paused");
	if (!write_file(text(call, "snapshot_path"),
			json_object_to_json_string(call->standin->config)) ||
	    !write_file(text(call, "mem_file_path"), "memory"))
		return refuse(call, strerror(errno));
	/* VIRTIO_VSOCK_EVENT_TRANSPORT_RESET */
	call->standin->reset = true;
	return true;
}

/* Root's, and this user's to read: what was saved is what is loaded. */
static bool is_roots(const char *path)
{
	struct stat info;

	return path != NULL && stat(path, &info) == 0 && S_ISREG(info.st_mode) &&
	       info.st_uid == 0 && (info.st_mode & 0222) == 0 && access(path, R_OK) == 0;
}

static bool load(struct call *call)
{
	struct json_object *backend = json_object_object_get(call->body, "mem_backend");

	if (standin_is("load-fails"))
		return refuse(call, "told to fail");
	if (call->standin->booted)
		return refuse(call, "not before boot");
	if (backend == NULL ||
	    json_object_get_boolean(json_object_object_get(call->body, "resume_vm")))
		return refuse(call, "no memory, or no time to exchange drives");
	if (!is_roots(text(call, "snapshot_path")) ||
	    !is_roots(json_object_get_string(json_object_object_get(backend, "backend_path"))))
		return refuse(call, "the snapshot is not root's");
	call->standin->config = json_object_from_file(text(call, "snapshot_path"));
	standin_take_config(call->standin);
	call->standin->booted = call->standin->paused = call->standin->reset = true;
	printf("restored\n");
	return true;
}

static bool patch_drive(struct call *call)
{
	struct json_object *drives = standin_member(call->standin->config, "drives");
	const char *id = call->path + strlen("/drives/");

	if (!call->standin->booted || strcmp(text(call, "drive_id"), id) != 0)
		return refuse(call, "not before boot, or another drive");
	for (size_t i = 0; i < json_object_array_length(drives); i++) {
		struct json_object *drive = json_object_array_get_idx(drives, i);

		if (strcmp(json_object_get_string(standin_member(drive, "drive_id")), id) != 0)
			continue;
		if (text(call, "path_on_host") == NULL ||
		    access(text(call, "path_on_host"), R_OK) != 0)
			return refuse(call, "no such file");
		call->standin->patched++;
		return true;
	}
	return refuse(call, "no such drive");
}

static const struct {
	const char *method, *path, *schema;
	bool prefix;
	bool (*act)(struct call *call);
} calls[] = {
	{"PATCH", "/vm", "Vm", false, set_state},
	{"PUT", "/snapshot/create", "SnapshotCreateParams", false, create},
	{"PUT", "/snapshot/load", "SnapshotLoadParams", false, load},
	{"PATCH", "/drives/", "PartialDrive", true, patch_drive},
};

static bool dispatch(struct call *call, const char *method)
{
	struct json_object *api = json_tokener_parse((const char *)firecracker_api);

	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		if (strcmp(method, calls[i].method) != 0 ||
		    (calls[i].prefix ? strncmp(call->path, calls[i].path, strlen(calls[i].path))
				     : strcmp(call->path, calls[i].path)) != 0)
			continue;
		return schema_accepts(api, calls[i].schema, call->body, call->why,
				      sizeof call->why) &&
		       calls[i].act(call);
	}
	return refuse(call, "there is no such request");
}

/* Head and body of one request, NUL-terminated; the body's start, or NULL. */
static char *read_request(int fd, char request[REQUEST_SIZE])
{
	size_t len = 0, want = 0;
	char *body = NULL;

	while (len < REQUEST_SIZE - 1 && (body == NULL || len < want)) {
		ssize_t got = read(fd, request + len, REQUEST_SIZE - 1 - len);
		const char *length;

		if (got <= 0)
			return NULL;
		len += (size_t)got;
		request[len] = '\0';
		body = strstr(request, "\r\n\r\n");
		if (body == NULL)
			continue;
		body += 4;
		length = strstr(request, "Content-Length: ");
		want = (size_t)(body - request) +
		       (length != NULL ? strtoul(length + 16, NULL, 10) : 0);
	}
	return body;
}

static void answer(struct standin *standin, int fd)
{
	static char request[REQUEST_SIZE];
	char *body = read_request(fd, request), *rest = request;
	struct call call = {.standin = standin};
	const char *method = strsep(&rest, " ");
	bool done;

	/* Somebody who looked whether we are there. */
	if (body == NULL)
		return;
	call.path = strsep(&rest, " ");
	call.body = json_tokener_parse(body);
	done = call.path != NULL && call.body != NULL && dispatch(&call, method);
	printf("api %s %s: %s\n", method, call.path, done ? "done" : call.why);
	if (done)
		dprintf(fd, "HTTP/1.1 204 \r\nServer: Firecracker API\r\n\r\n");
	else
		dprintf(fd,
			"HTTP/1.1 400 \r\nContent-Length: %zu\r\n\r\n{\"fault_message\":\"%s\"}",
			strlen(call.why) + 20, call.why);
}

void standin_serve(struct standin *standin, int timeout_ms)
{
	struct pollfd item = {.fd = standin->api_fd, .events = POLLIN};

	while (poll(&item, 1, timeout_ms) > 0) {
		int fd = accept4(standin->api_fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0) {
			answer(standin, fd);
			close(fd);
		}
		timeout_ms = 0;
	}
}
