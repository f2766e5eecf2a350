/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_STAGE_GUEST_SCENE_H
#define TESTS_STAGE_GUEST_SCENE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * sr-guest between a launcher and a guest that are both the test: no VM. The guest's five streams
 * are unix sockets it connects to, as the VMM does, and what it sends is any bytes.
 */
enum scene_stream {
	SCENE_CONTROL,
	SCENE_STDIN,
	SCENE_STDOUT,
	SCENE_STDERR,
	SCENE_OUTPUTS,
	SCENE_COUNT
};

struct scene {
	pid_t pid;
	char dir[512], tree[600]; /* "sockets" and the tree are in dir */
	int launcher;		  /* its stdin; -1 once closed */
	int records;		  /* its stdout */
	int stdin_fd;		  /* of the command; what is written here it reads. -1 closed */
	int stdout_fd, stderr_fd; /* what comes out of it */
	int streams[SCENE_COUNT]; /* the guest's; -1: not connected */
	char text[1 << 20];	  /* of records, unread from at on */
	size_t at, len;
};

/* What an honest guest says, each with its line feed. */
#define HELLO                                                                                      \
	"{\"bootMs\":20,\"kernelMs\":10,\"release\":\"6.1\",\"type\":\"hello\",\"version\":\"v\"}" \
	"\n"
#define STARTED "{\"initMs\":30,\"type\":\"started\"}\n"
#define EXIT_0	"{\"coreDumped\":false,\"exitCode\":0,\"signalNumber\":null}"
#define RUSAGE	"{\"maxRssBytes\":1,\"systemUs\":2,\"userUs\":3}"
#define EXITED_WITH(exit, rusage, out)                                                             \
	"{\"exit\":" exit ",\"oomKills\":0,\"pidsMaxHits\":0,\"rusage\":" rusage                   \
	",\"stderrBytes\":0,\"stdoutBytes\":" out ",\"type\":\"exited\"}\n"
#define EXITED EXITED_WITH(EXIT_0, RUSAGE, "0")
#define DONE   "{\"entries\":0,\"type\":\"done\"}\n"

/* Started, and listening. tree_fd -1: a directory of the scene's own. */
void scene_begin(struct scene *scene, int tree_fd);
/* again: a second VMM may come. */
void scene_begin_with(struct scene *scene, int tree_fd, bool again);
/* The guest's side of all five. */
void scene_connect(struct scene *scene);
int scene_connect_one(const struct scene *scene, enum scene_stream stream); /* or -1 and errno */

void scene_say(const struct scene *scene, enum scene_stream stream, const void *data, size_t len);
void scene_say_text(const struct scene *scene, enum scene_stream stream, const char *text);
void scene_leave(struct scene *scene, enum scene_stream stream); /* closes it */
void scene_leave_all(struct scene *scene);			 /* as a VMM that ends */

/* The next record, which must be of this type, within ten seconds; the caller puts it. */
struct json_object *scene_record(struct scene *scene, const char *type);
/* Records up to and with the last one. */
struct json_object *scene_final(struct scene *scene);

/* A member by its path, "exit.exitCode"; NULL for none and for null. */
struct json_object *scene_member(struct json_object *record, const char *path);
/* All messages of violations, one behind the other; "" for none. Static. */
const char *scene_violations(struct json_object *final);

/* sr-guest has ended, with this status; everything is closed and removed. */
void scene_end(struct scene *scene, int status);

#endif
