/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/browser.h"

#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM	    "/usr/bin/chromium"
#define ANSWER_MS   60000
#define MESSAGE_MAX ((size_t)32 << 20)

struct browser {
	pid_t pid;
	int to_fd, from_fd;
	char *profile;
	char session[128];
	char *buffer;
	size_t len, capacity;
	int next_id;
	bool loaded;
	size_t complaints, requests;
	char shown[1024];
};

static void become_browser(const char *profile, const int to[2], const int from[2])
{
	static const char *const flags[] = {
		PROGRAM,
		"--headless",
		"--no-sandbox",
		"--disable-gpu",
		"--disable-quic",
		"--no-first-run",
		"--disable-background-networking",
		"--disable-component-update",
		"--disable-sync",
		"--disable-dev-shm-usage",
		"--disable-crash-reporter",
		"--host-resolver-rules=MAP * ~NOTFOUND",
		"--remote-debugging-pipe",
	};
	char data[600], home[600], temporary[600];
	char *argv[sizeof(flags) / sizeof(flags[0]) + 3];
	char *envp[] = {home, temporary, "PATH=/usr/bin:/bin", NULL};
	size_t count = 0;
	int null_fd = open("/dev/null", O_RDWR);

	snprintf(data, sizeof(data), "--user-data-dir=%s", profile);
	snprintf(home, sizeof(home), "HOME=%s", profile);
	snprintf(temporary, sizeof(temporary), "TMPDIR=%s", profile);
	for (; count < sizeof(flags) / sizeof(flags[0]); count++)
		argv[count] = (char *)flags[count];
	argv[count++] = data;
	argv[count++] = "about:blank";
	argv[count] = NULL;
	setpgid(0, 0);
	/* Out of the way of 3 and 4 first. */
	dup2(to[0], 20);
	dup2(from[1], 21);
	dup2(20, 3);
	dup2(21, 4);
	dup2(null_fd, 0);
	dup2(null_fd, 1);
	dup2(null_fd, 2);
	close_range(5, ~0U, 0);
	execve(PROGRAM, argv, envp);
	_exit(127);
}

static void send_message(struct browser *browser, struct json_object *message)
{
	const char *text = json_object_to_json_string_ext(message, JSON_C_TO_STRING_PLAIN);
	size_t len = strlen(text) + 1;

	for (size_t sent = 0; sent < len;) {
		ssize_t step = write(browser->to_fd, text + sent, len - sent);

		cr_assert_gt(step, 0, "the browser has gone");
		sent += (size_t)step;
	}
}

/* The next message; the caller releases it. */
static struct json_object *receive(struct browser *browser)
{
	struct pollfd polled = {.fd = browser->from_fd, .events = POLLIN};
	struct json_object *message;
	char *end;

	while ((end = memchr(browser->buffer, '\0', browser->len)) == NULL) {
		ssize_t got;

		cr_assert_lt(browser->len, MESSAGE_MAX - 65536);
		cr_assert_eq(poll(&polled, 1, ANSWER_MS), 1, "the browser does not answer");
		got = read(browser->from_fd, browser->buffer + browser->len, 65536);
		cr_assert_gt(got, 0, "the browser has gone");
		browser->len += (size_t)got;
	}
	message = json_tokener_parse(browser->buffer);
	cr_assert_not_null(message);
	browser->len -= (size_t)(end + 1 - browser->buffer);
	memmove(browser->buffer, end + 1, browser->len);
	return message;
}

static struct json_object *at(struct json_object *object, const char *path)
{
	struct json_object *found = NULL;

	return json_pointer_get(object, path, &found) == 0 ? found : NULL;
}

static const char *text_at(struct json_object *object, const char *path)
{
	const char *text = json_object_get_string(at(object, path));

	return text != NULL ? text : "";
}

static void note(struct browser *browser, struct json_object *event)
{
	const char *method = text_at(event, "/method");

	if (strcmp(method, "Page.loadEventFired") == 0) {
		browser->loaded = true;
	} else if (strcmp(method, "Log.entryAdded") == 0 ||
		   strcmp(method, "Runtime.consoleAPICalled") == 0 ||
		   strcmp(method, "Runtime.exceptionThrown") == 0) {
		fprintf(stderr, "browser: %s\n", json_object_to_json_string(event));
		browser->complaints++;
	} else if (strcmp(method, "Network.requestWillBeSent") == 0 &&
		   strcmp(text_at(event, "/params/request/url"), browser->shown) != 0) {
		fprintf(stderr, "browser: %s\n", text_at(event, "/params/request/url"));
		browser->requests++;
	}
}

/* Takes over params. The answer's result, a new reference. */
static struct json_object *call(struct browser *browser, const char *method,
				struct json_object *params)
{
	struct json_object *message = json_object_new_object(), *answer, *result;
	int id = ++browser->next_id;

	json_object_object_add(message, "id", json_object_new_int(id));
	json_object_object_add(message, "method", json_object_new_string(method));
	json_object_object_add(message, "params", params);
	if (browser->session[0] != '\0')
		json_object_object_add(message, "sessionId",
				       json_object_new_string(browser->session));
	send_message(browser, message);
	json_object_put(message);
	for (;;) {
		answer = receive(browser);
		if (json_object_get_int(at(answer, "/id")) == id)
			break;
		note(browser, answer);
		json_object_put(answer);
	}
	cr_assert_not_null(at(answer, "/result"), "%s: %s", method,
			   json_object_to_json_string(answer));
	result = json_object_get(at(answer, "/result"));
	json_object_put(answer);
	return result;
}

static void tell(struct browser *browser, const char *method, const char *params)
{
	struct json_object *value = json_tokener_parse(params);

	cr_assert_not_null(value, "%s", params);
	json_object_put(call(browser, method, value));
}

static void attach(struct browser *browser)
{
	struct json_object *params = json_tokener_parse("{\"url\":\"about:blank\"}");
	struct json_object *target = call(browser, "Target.createTarget", params);
	struct json_object *session;

	params = json_object_new_object();
	json_object_object_add(params, "targetId", json_object_get(at(target, "/targetId")));
	json_object_object_add(params, "flatten", json_object_new_boolean(true));
	session = call(browser, "Target.attachToTarget", params);
	snprintf(browser->session, sizeof(browser->session), "%s", text_at(session, "/sessionId"));
	json_object_put(session);
	json_object_put(target);
	tell(browser, "Page.enable", "{}");
	tell(browser, "Runtime.enable", "{}");
	tell(browser, "Log.enable", "{}");
	tell(browser, "Network.enable", "{}");
}

struct browser *browser_open(void)
{
	struct browser *browser;
	int to[2], from[2];

	if (access(PROGRAM, X_OK) != 0)
		return NULL;
	browser = calloc(1, sizeof(*browser));
	cr_assert_not_null(browser);
	browser->profile = child_make_dir("browser");
	browser->buffer = malloc(MESSAGE_MAX);
	cr_assert(browser->buffer != NULL && pipe2(to, O_CLOEXEC) == 0 &&
		  pipe2(from, O_CLOEXEC) == 0);
	signal(SIGPIPE, SIG_IGN);
	browser->pid = fork();
	cr_assert_geq(browser->pid, 0);
	if (browser->pid == 0)
		become_browser(browser->profile, to, from);
	close(to[0]);
	close(from[1]);
	browser->to_fd = to[1];
	browser->from_fd = from[0];
	attach(browser);
	return browser;
}

void browser_close(struct browser *browser)
{
	/* Its helpers are in its process group, and end with it. */
	kill(-browser->pid, SIGKILL);
	waitpid(browser->pid, NULL, 0);
	close(browser->to_fd);
	close(browser->from_fd);
	child_remove_dir(browser->profile);
	free(browser->profile);
	free(browser->buffer);
	free(browser);
}

void browser_show(struct browser *browser, const char *path, const struct browser_view *view)
{
	char params[1200];

	snprintf(params, sizeof(params),
		 "{\"width\":%u,\"height\":%u,\"deviceScaleFactor\":1,\"mobile\":%s}", view->width,
		 view->height, view->mobile ? "true" : "false");
	tell(browser, "Emulation.setDeviceMetricsOverride", params);
	snprintf(params, sizeof(params),
		 "{\"features\":[{\"name\":\"prefers-color-scheme\",\"value\":\"%s\"}]}",
		 view->dark ? "dark" : "light");
	tell(browser, "Emulation.setEmulatedMedia", params);
	snprintf(browser->shown, sizeof(browser->shown), "file://%s", path);
	snprintf(params, sizeof(params), "{\"url\":\"file://%.1000s\"}", path);
	browser->loaded = false;
	tell(browser, "Page.navigate", params);
	while (!browser->loaded) {
		struct json_object *event = receive(browser);

		note(browser, event);
		json_object_put(event);
	}
}

char *browser_ask(struct browser *browser, const char *expression)
{
	struct json_object *params = json_object_new_object();
	struct json_object *answer;
	char *text;

	json_object_object_add(params, "expression", json_object_new_string(expression));
	json_object_object_add(params, "returnByValue", json_object_new_boolean(true));
	answer = call(browser, "Runtime.evaluate", params);
	cr_assert_null(at(answer, "/exceptionDetails"), "%s", json_object_to_json_string(answer));
	text = strdup(text_at(answer, "/result/value"));
	json_object_put(answer);
	return text;
}

size_t browser_complaints(const struct browser *browser)
{
	return browser->complaints;
}

size_t browser_requests(const struct browser *browser)
{
	return browser->requests;
}
