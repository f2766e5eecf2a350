/* SPDX-License-Identifier: Apache-2.0 */
/* sr-jail by itself: what it takes for a request, and the jail it makes of one. */
#include "stages/launch/channel.h"
#include "stages/seal/digest.h"
#include "tests/support/child.h"
#include "tests/support/vectors.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define JAILS	   "/srv/jailer/firecracker"
#define IMAGES	   "/srv/jailer/images"
#define WAIT_MS	   20000
#define UID_WANTED 0x6F00ABCD

struct jail {
	pid_t pid;
	int fd; /* our end of its channel */
};

static void start(struct jail *jail)
{
	char number[16];
	int pair[2];

	if (geteuid() != 0)
		cr_skip_test("jailer has to be started as root");
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	jail->fd = pair[0];
	jail->pid = fork();
	if (jail->pid > 0) {
		close(pair[1]);
		return;
	}
	snprintf(number, sizeof number, "%d", pair[1]);
	fcntl(pair[1], F_SETFD, 0);
	execl(child_path("sr-jail"), "sr-jail", "--channel-fd", number, NULL);
	_exit(127);
}

static struct json_object *hear(const struct jail *jail, int *passed_fd)
{
	struct pollfd item = {.fd = jail->fd, .events = POLLIN};
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	static char text[65536];
	struct iovec vector = {.iov_base = text, .iov_len = sizeof text - 1};
	struct msghdr header = {.msg_iov = &vector,
				.msg_iovlen = 1,
				.msg_control = &control,
				.msg_controllen = sizeof control};
	ssize_t len;

	*passed_fd = -1;
	cr_assert_eq(poll(&item, 1, WAIT_MS), 1, "sr-jail says nothing");
	len = recvmsg(jail->fd, &header, MSG_CMSG_CLOEXEC);
	if (len <= 0)
		return NULL;
	if (CMSG_FIRSTHDR(&header) != NULL)
		memcpy(passed_fd, CMSG_DATA(&control.align), sizeof(int));
	text[len] = '\0';
	return json_tokener_parse(text);
}

/* Its status, once our end is closed. */
static int end(struct jail *jail)
{
	int status = -1;

	close(jail->fd);
	cr_assert_eq(waitpid(jail->pid, &status, 0), jail->pid);
	cr_assert(WIFEXITED(status), "%x", status);
	return WEXITSTATUS(status);
}

static const char *text_of(struct json_object *object, const char *name)
{
	const char *text = json_object_get_string(json_object_object_get(object, name));

	return text != NULL ? text : "";
}

static struct json_object *file(const char *path)
{
	struct json_object *object = json_object_new_object();
	struct stat info;
	char number[32];

	cr_assert_eq(stat(path, &info), 0, "%s", path);
	snprintf(number, sizeof number, "%lu", (unsigned long)info.st_dev);
	json_object_object_add(object, "device", json_object_new_string(number));
	snprintf(number, sizeof number, "%lu", (unsigned long)info.st_ino);
	json_object_object_add(object, "inode", json_object_new_string(number));
	json_object_object_add(object, "source", json_object_new_string(path));
	return object;
}

static struct json_object *image(const char *name, const char *path)
{
	struct json_object *object = json_object_new_object();
	struct json_object *base = file(path);
	char text[DIGEST_TEXT_SIZE];
	uint8_t value[DIGEST_SIZE];
	size_t len;
	char *bytes = child_read_file(path, &len);

	cr_assert_eq(digest_prewarm(), 0);
	digest_bytes(bytes, len, value);
	digest_text(value, text);
	free(bytes);
	json_object_object_add(object, "device",
			       json_object_get(json_object_object_get(base, "device")));
	json_object_object_add(object, "hash", json_object_new_string(text));
	json_object_object_add(object, "inode",
			       json_object_get(json_object_object_get(base, "inode")));
	json_object_object_add(object, "name", json_object_new_string(name));
	json_object_object_add(object, "source", json_object_new_string(path));
	json_object_put(base);
	return object;
}

/* Members in their order, so that the text is canonical. */
static struct json_object *request(const char *dir, const char *id)
{
	static const char *const names[] = {"jailer", "firecracker", "image"};
	struct json_object *root = json_object_new_object(), *files = json_object_new_array();
	struct json_object *limits = json_object_new_object();
	char path[4096];

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		child_write_file(path, names[i], strlen(names[i]));
	}
	json_object_array_add(files, image("rootfs.img", path));
	json_object_object_add(limits, "fsize", json_object_new_int(4096));
	json_object_object_add(limits, "noFile", json_object_new_int(1024));
	json_object_object_add(root, "cgroup", NULL);
	json_object_object_add(root, "config", json_object_new_object());
	json_object_object_add(root, "files", files);
	snprintf(path, sizeof path, "%s/firecracker", dir);
	json_object_object_add(root, "firecracker", file(path));
	json_object_object_add(root, "id", json_object_new_string(id));
	snprintf(path, sizeof path, "%s/jailer", dir);
	json_object_object_add(root, "jailer", file(path));
	json_object_object_add(root, "limits", limits);
	json_object_object_add(root, "schemaVersion",
			       json_object_new_string("safe-run.jail-request/v1"));
	json_object_object_add(root, "snapshot", NULL);
	json_object_object_add(root, "uid", json_object_new_int64(UID_WANTED));
	return root;
}

static void send_text(const struct jail *jail, const char *text, size_t len)
{
	cr_assert_eq(send(jail->fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void send_request(const struct jail *jail, struct json_object *root)
{
	const char *text = json_object_to_json_string_ext(
		root, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

	send_text(jail, text, strlen(text));
}

static void expect_refused(struct jail *jail, const char *words)
{
	int fd;
	struct json_object *message = hear(jail, &fd);

	cr_expect_str_eq(text_of(message, "type"), "failed");
	cr_expect_not_null(strstr(text_of(message, "message"), words), "'%s' is not in: %s", words,
			   text_of(message, "message"));
	cr_expect_lt(fd, 0);
	json_object_put(message);
	cr_expect_eq(end(jail), 1);
}

Test(jail, refuses_what_is_no_request)
{
	struct vector_set set;

	vectors_load("jail/reject", &set);
	cr_assert_gt(set.count, 10);
	for (size_t i = 0; i < set.count; i++) {
		struct jail jail;

		start(&jail);
		send_text(&jail, set.items[i].data, set.items[i].len);
		expect_refused(&jail, "");
	}
	vectors_release(&set);
}

Test(jail, one_that_is_too_long)
{
	char *text = malloc(65537);
	struct jail jail;

	memset(text, ' ', 65537);
	start(&jail);
	send_text(&jail, text, 65537);
	expect_refused(&jail, "longer than 65536");
	free(text);
}

static int entries(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	int count = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		count += entry->d_name[0] != '.';
	if (dir != NULL)
		closedir(dir);
	return count;
}

static void expect_root_alone(const char *path, mode_t mode)
{
	struct stat info;

	cr_assert_eq(lstat(path, &info), 0, "%s", path);
	cr_expect_eq(info.st_uid, 0, "%s", path);
	cr_expect_eq(info.st_mode & 07777, mode, "%s: %o", path, info.st_mode);
}

/* What a VMM that was taken over can do once jailer has given it the top of its jail. */
static void hide_owner(const char *id, uid_t uid)
{
	char top[4096], from[4112], to[4112];

	snprintf(top, sizeof top, JAILS "/%s/root", id);
	snprintf(from, sizeof from, "%s/s", top);
	snprintf(to, sizeof to, "%s/t", top);
	cr_assert_eq(chown(top, uid, uid), 0);
	cr_assert_eq(rename(from, to), 0);
}

/* VM2: root's alone but for the machine's directory; one user each; nothing left. */
Test(jail, VM2_one_jail_each)
{
	char *dir = child_make_dir("jail");
	const char *ids[2] = {"sr-20200101-000000-000000a1", "sr-20200101-000000-000000a2"};
	struct jail jails[2];
	int64_t uids[2];
	ino_t images[2];
	char path[4096];

	for (int i = 0; i < 2; i++) {
		struct json_object *root, *message;
		struct stat info;
		int fd;

		start(&jails[i]);
		root = request(dir, ids[i]);
		send_request(&jails[i], root);
		message = hear(&jails[i], &fd);
		cr_assert_str_eq(text_of(message, "type"), "placed", "%s",
				 text_of(message, "message"));
		uids[i] = json_object_get_int64(json_object_object_get(message, "uid"));
		cr_assert_eq(fstat(fd, &info), 0);
		cr_expect_eq(info.st_uid, (uid_t)uids[i]);
		cr_expect_eq(info.st_mode & 07777, 0700);
		snprintf(path, sizeof path, JAILS "/%s", ids[i]);
		expect_root_alone("/srv/jailer", 0700);
		expect_root_alone(JAILS, 0700);
		expect_root_alone(path, 0700);
		snprintf(path, sizeof path, JAILS "/%s/root", ids[i]);
		expect_root_alone(path, 0700);
		cr_expect_eq(entries(path), 3, "config.json, rootfs.img, s");
		snprintf(path, sizeof path, JAILS "/%s/root/config.json", ids[i]);
		expect_root_alone(path, 0444);
		snprintf(path, sizeof path, JAILS "/%s/root/rootfs.img", ids[i]);
		expect_root_alone(path, 0444);
		cr_assert_eq(stat(path, &info), 0);
		/* Other tests have jails with it too, meanwhile. */
		cr_expect_geq(info.st_nlink, (nlink_t)(2 + i), "one copy for all");
		images[i] = info.st_ino;
		close(fd);
		hide_owner(ids[i], (uid_t)uids[i]);
		json_object_put(message);
		json_object_put(root);
	}
	cr_expect_eq(images[0], images[1], "one copy for all");
	cr_expect_eq(uids[0], UID_WANTED);
	cr_expect_eq(uids[1], UID_WANTED + 1, "user %ld", (long)uids[1]);
	for (int i = 0; i < 2; i++) {
		cr_expect_eq(end(&jails[i]), 0);
		snprintf(path, sizeof path, JAILS "/%s", ids[i]);
		cr_expect_neq(access(path, F_OK), 0, "%s is left", path);
	}
	child_remove_dir(dir);
	free(dir);
}

/* Between hash and copy: the very file, and the very bytes. */
Test(jail, an_image_that_is_another)
{
	char *dir = child_make_dir("jail");
	struct json_object *root = request(dir, "sr-20200101-000000-000000a3");
	struct json_object *entry =
		json_object_array_get_idx(json_object_object_get(root, "files"), 0);
	char path[4096], other[4096];
	struct jail jail;

	snprintf(path, sizeof path, "%s/image", dir);
	child_write_file(path, "other", 5);
	json_object_object_add(
		entry, "hash",
		json_object_new_string("sha256:00000000000000000000000000000000000000"
				       "00000000000000000000000001"));
	start(&jail);
	send_request(&jail, root);
	expect_refused(&jail, "not what it was when it was hashed");
	snprintf(other, sizeof other, "%s/new", dir);
	child_write_file(other, "other", 5);
	cr_assert_eq(rename(other, path), 0);
	start(&jail);
	send_request(&jail, root);
	expect_refused(&jail, "another file than the one that was hashed");
	cr_expect_neq(access(JAILS "/sr-20200101-000000-000000a3", F_OK), 0);
	cr_expect_neq(access(IMAGES
			     "/"
			     "0000000000000000000000000000000000000000000000000000000000000001",
			     F_OK),
		      0);
	json_object_put(root);
	child_remove_dir(dir);
	free(dir);
}

/* The word to go on, with a descriptor beside it. */
static void send_go(const struct jail *jail, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	char word = CHANNEL_EXEC;
	struct iovec vector = {.iov_base = &word, .iov_len = 1};
	struct msghdr header = {.msg_iov = &vector,
				.msg_iovlen = 1,
				.msg_control = &control,
				.msg_controllen = sizeof control};

	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(&control.align), &fd, sizeof fd);
	cr_assert_eq(sendmsg(jail->fd, &header, MSG_NOSIGNAL), 1);
}

/* A network namespace, and never the host's: whatever else comes, no jailer is started in it. */
Test(jail, a_network_namespace_of_its_own)
{
	static const char *const paths[] = {"/proc/self/ns/net", "/proc/self/ns/uts", "/dev/null"};
	char *dir = child_make_dir("jail");

	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		struct json_object *root, *message;
		struct jail jail;
		int fd;

		start(&jail);
		root = request(dir, "sr-20200101-000000-000000a5");
		send_request(&jail, root);
		message = hear(&jail, &fd);
		cr_assert_str_eq(text_of(message, "type"), "placed", "%s",
				 text_of(message, "message"));
		json_object_put(message);
		json_object_put(root);
		close(fd);
		fd = open(paths[i], O_RDONLY | O_CLOEXEC);
		cr_assert_geq(fd, 0);
		send_go(&jail, fd);
		close(fd);
		expect_refused(&jail, "no network namespace, or the host's own");
		cr_expect_neq(access(JAILS "/sr-20200101-000000-000000a5", F_OK), 0);
	}
	child_remove_dir(dir);
	free(dir);
}

/* VM2: a directory on the way that somebody else can write to. */
Test(jail, VM2_parents_of_somebody_else)
{
	char *dir = child_make_dir("jail");
	struct json_object *root = request(dir, "sr-20200101-000000-000000a4");
	struct jail jail;

	if (geteuid() != 0)
		cr_skip_test("jailer has to be started as root");
	/* Of this test's own: others have jails in the host's. */
	cr_assert_eq(unshare(CLONE_NEWNS), 0);
	cr_assert_eq(mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL), 0);
	(void)!mkdir("/srv/jailer", 0700);
	cr_assert_eq(mount("tmpfs", "/srv/jailer", "tmpfs", 0, "mode=0700"), 0);
	cr_assert_eq(mkdir(JAILS, 0700), 0);
	cr_assert_eq(chmod(JAILS, 0777), 0);
	start(&jail);
	send_request(&jail, root);
	expect_refused(&jail, "writable for nobody else");
	cr_assert_eq(chmod(JAILS, 0700), 0);
	cr_assert_eq(chown("/srv/jailer", 1000, 0), 0);
	start(&jail);
	send_request(&jail, root);
	expect_refused(&jail, "writable for nobody else");
	cr_assert_eq(chown("/srv/jailer", 0, 0), 0);
	json_object_put(root);
	child_remove_dir(dir);
	free(dir);
}

Test(jail_user, root_alone)
{
	char number[16];
	const char *argv[] = {"sr-jail", "--channel-fd", number, NULL};
	struct child_options options = {0};
	struct child_result said;
	int fd;

	if (geteuid() == 0)
		cr_skip_test("this is what an ordinary user gets");
	fd = open("/dev/null", O_RDWR);
	cr_assert_geq(fd, 0);
	snprintf(number, sizeof number, "%d", fd);
	options.keep_fds[0] = fd;
	child_run(argv, "", 0, &options, &said);
	cr_expect_eq(said.status, 3);
	cr_expect_not_null(strstr(said.err, "as root"), "%s", said.err);
	child_release(&said);
}
