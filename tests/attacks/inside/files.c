/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FS3, FS5, FS6, FS8: what can be done to the files a run was given.
 *
 *     files write DIR...           make, change, remove, touch and remount in each
 *     files handle DIR TYPE HEX    open a file of DIR's file system by its handle
 *     files link FROM TO           a hard link
 *     files proc                   the root and working directory of every process to be seen
 *     files nodes DIR              DIR/null and DIR/disk, made on the host, and nodes of one's own
 *     files ids PROGRAM            execute PROGRAM "whoami"
 *     files whoami                 the ids and capabilities this process has
 */
#include "tell.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static void name_in(char *out, size_t size, const char *dir, const char *name)
{
	snprintf(out, size, "%s/%s", dir, name);
}

static int write_in(const char *dir)
{
	char path[4096], file[4096];
	int fd;

	name_in(path, sizeof path, dir, "made");
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	tell("create", fd);
	name_in(path, sizeof path, dir, "madedir");
	tell("mkdir", mkdir(path, 0700));
	name_in(file, sizeof file, dir, "file");
	tell("write", open(file, O_WRONLY));
	tell("truncate", truncate(file, 0));
	tell("chmod", chmod(file, 0777));
	tell("utime", utimensat(AT_FDCWD, file, NULL, 0));
	tell("unlink", unlink(file));
	name_in(path, sizeof path, dir, "renamed");
	tell("rename", rename(file, path));
	tell("setxattr", setxattr(file, "user.x", "1", 1, 0));
	tell("remount", mount(NULL, dir, NULL, MS_REMOUNT | MS_BIND, NULL));
	tell("umount", umount2(dir, MNT_DETACH));
	return 0;
}

static int open_handle(const char *dir, const char *type, const char *hex)
{
	union {
		struct file_handle handle;
		char bytes[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} all = {.handle.handle_bytes = (unsigned)strlen(hex) / 2,
		 .handle.handle_type = atoi(type)};
	int mount_fd = open(dir, O_RDONLY | O_DIRECTORY);
	char text[64] = "";

	for (unsigned i = 0; i < all.handle.handle_bytes && i < MAX_HANDLE_SZ; i++) {
		unsigned byte = 0;

		sscanf(hex + 2 * (size_t)i, "%2x", &byte);
		all.handle.f_handle[i] = (unsigned char)byte;
	}
	tell("opendir", mount_fd);
	int fd = open_by_handle_at(mount_fd, &all.handle, O_RDONLY);
	tell("open_by_handle_at", fd);
	if (fd >= 0 && read(fd, text, sizeof text - 1) > 0)
		printf("content %s\n", text);
	return 0;
}

static int link_over(const char *from, const char *to)
{
	tell("link", link(from, to));
	tell("linkat", linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW));
	int fd = open(from, O_RDONLY);
	tell("empty-path", linkat(fd, "", AT_FDCWD, to, AT_EMPTY_PATH));
	return 0;
}

static void look_through(const char *pid, const char *what)
{
	char path[512], name[64];
	struct stat ours, theirs;

	snprintf(path, sizeof path, "/proc/%s/%s/", pid, what);
	snprintf(name, sizeof name, "%s-%s", what, pid);
	if (stat(path, &theirs) < 0) {
		tell(name, -1);
		return;
	}
	/* Through a process of another root this would be another directory than ours. */
	printf("%s %s\n", name,
	       stat("/", &ours) == 0 && ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino
		       ? "ours"
		       : "FOREIGN");
}

static int look_at_all(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	while (proc && (entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			look_through(entry->d_name, "root");
	return 0;
}

static int use_nodes(const char *dir)
{
	static const struct {
		const char *name;
		mode_t mode;
		unsigned major, minor;
	} nodes[] = {
		{"mknod-chr", S_IFCHR | 0666, 1, 3},
		{"mknod-blk", S_IFBLK | 0666, 7, 0},
		{"mknod-suid", S_IFREG | S_ISUID | 0777, 0, 0},
	};
	char path[4096];

	name_in(path, sizeof path, dir, "null");
	tell("open-null", open(path, O_RDONLY | O_NONBLOCK));
	name_in(path, sizeof path, dir, "disk");
	tell("open-disk", open(path, O_RDONLY | O_NONBLOCK));
	for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
		snprintf(path, sizeof path, "/tmp/%s", nodes[i].name);
		tell(nodes[i].name,
		     mknod(path, nodes[i].mode, makedev(nodes[i].major, nodes[i].minor)));
	}
	int fd = open("/tmp/plain", O_WRONLY | O_CREAT, 0600);
	tell("fchmod-suid", fchmod(fd, S_ISUID | 0755));
	tell("chmod-suid", chmod("/tmp/plain", S_ISUID | 0755));
	return 0;
}

static int print_ids(void)
{
	char line[256];
	FILE *status = fopen("/proc/self/status", "r");

	while (status && fgets(line, sizeof line, status))
		if (!strncmp(line, "Cap", 3) || !strncmp(line, "Uid:", 4) ||
		    !strncmp(line, "Gid:", 4))
			printf("%s", line);
	if (status)
		fclose(status);
	return 0;
}

static int execute(const char *program)
{
	fflush(stdout);
	execl(program, program, "whoami", NULL);
	tell("execve", -1);
	return 0;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	if (!strcmp(how, "write") && argc > 2) {
		for (int i = 2; i < argc; i++) {
			printf("in %s\n", argv[i]);
			write_in(argv[i]);
		}
		return 0;
	}
	if (!strcmp(how, "handle") && argc == 5)
		return open_handle(argv[2], argv[3], argv[4]);
	if (!strcmp(how, "link") && argc == 4)
		return link_over(argv[2], argv[3]);
	if (!strcmp(how, "proc"))
		return look_at_all();
	if (!strcmp(how, "nodes") && argc == 3)
		return use_nodes(argv[2]);
	if (!strcmp(how, "ids") && argc == 3)
		return execute(argv[2]);
	if (!strcmp(how, "whoami"))
		return print_ids();
	return fprintf(stderr, "usage: files HOW\n"), 2;
}
