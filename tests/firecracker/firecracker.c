/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stand-in for Firecracker in its jail: looks at where it is and as whom, holds its configuration
 * against the published API, confines itself, and then plays what it would run: a guest with sr-init, which
 * reaches the host as Firecracker's vsock lets it, by unix sockets called <uds_path>_<port>. It knows
 * six commands: true, false, echo, cat, hang and frames.
 */
#include "tests/firecracker/firecracker.h"

#include "tests/firecracker/standin.h"
#include "tests/support/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "firecracker_api.h" /* tests/vectors/compile/firecracker-api.json, as bytes */

STANDIN_FIELDS

void standin_die(const char *format, ...)
{
	va_list args;

	(void)fprintf(stderr, "firecracker stand-in: ");
	va_start(args, format);
	(void)vfprintf(stderr, format, args);
	va_end(args);
	(void)fprintf(stderr, "\n");
	exit(3);
}

bool standin_is(const char *mode)
{
	return strcmp((const char *)standin_mode + strlen(STANDIN_MODE_MARK), mode) == 0;
}

/* --id and the three times are jailer's; then what it was told to pass on: a configuration, and the API. */
static void read_options(struct standin *standin, int argc, char **argv)
{
	static const char *const of_jailer[] = {
		"--id=", "--start-time-us=", "--start-time-cpu-us=", "--parent-cpu-time-us="};
	int i = 1;

	for (; i <= 4 && i < argc; i++)
		if (strncmp(argv[i], of_jailer[i - 1], strlen(of_jailer[i - 1])) != 0)
			standin_die("option %d is '%s'", i, argv[i]);
	if (argc == 9 && strcmp(argv[5], "--config-file") == 0)
		standin->config_path = argv[6];
	else if (argc != 7)
		standin_die("%d options, not --config-file and --api-sock", argc);
	if (strcmp(argv[argc - 2], "--api-sock") != 0)
		standin_die("the last option is no --api-sock");
	standin->api_path = argv[argc - 1];
}

static void check_device(const char *path, unsigned major_number, unsigned minor_number)
{
	struct stat info;

	if (lstat(path, &info) != 0 || !S_ISCHR(info.st_mode) || info.st_uid != geteuid() ||
	    info.st_rdev != makedev(major_number, minor_number))
		standin_die("%s is not as jailer makes it", path);
}

/* In a jail, as somebody, first in a pid namespace, with nothing open but three. */
static void check_place(void)
{
	struct stat info;

	if (geteuid() == 0 || getegid() == 0 || getpid() != 1)
		standin_die("user %u, group %u, process %d", geteuid(), getegid(), getpid());
	if (access("/usr", F_OK) == 0 || access("/proc", F_OK) == 0)
		standin_die("this is no jail");
	for (int fd = 3; fd < 256; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			standin_die("descriptor %d is open", fd);
	if (stat("/", &info) != 0 || info.st_uid != geteuid() || (info.st_mode & 077) != 0)
		standin_die("the jail's top is not ours");
	check_device("/dev/kvm", 10, 232);
	check_device("/dev/net/tun", 10, 200);
}

struct json_object *standin_member(struct json_object *object, const char *name)
{
	struct json_object *value = json_object_object_get(object, name);

	if (value == NULL)
		standin_die("%s is missing", name);
	return value;
}

static const char *text(struct json_object *object, const char *name)
{
	return json_object_get_string(standin_member(object, name));
}

/* Read-only files of the jail's own, which this user can read. */
static void check_file(const char *path, const char *magic, size_t len)
{
	char head[8] = "";
	struct stat info;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (path[0] != '/' || strchr(path + 1, '/') != NULL)
		standin_die("%s is not at the jail's top", path);
	if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size == 0 ||
	    read(fd, head, sizeof head) < (ssize_t)len || memcmp(head, magic, len) != 0)
		standin_die("%s: %s", path, strerror(errno));
	close(fd);
	if (open(path, O_WRONLY | O_CLOEXEC) >= 0)
		standin_die("%s can be written to", path);
}

static void check_drives(struct json_object *drives)
{
	for (size_t i = 0; i < json_object_array_length(drives); i++) {
		struct json_object *drive = json_object_array_get_idx(drives, i);

		check_file(text(drive, "path_on_host"), "", 0);
		if (!json_object_get_boolean(standin_member(drive, "is_read_only")))
			standin_die("a drive is writable");
		if (json_object_get_boolean(standin_member(drive, "is_root_device")) != (i == 0))
			standin_die("the root is not the first drive");
	}
}

void standin_take_config(struct standin *standin)
{
	struct json_object *api = json_tokener_parse((const char *)firecracker_api), *machine,
			   *source;
	char why[512] = "";
	int64_t vcpus;

	if (api == NULL || standin->config == NULL)
		standin_die("the configuration cannot be read");
	if (!schema_accepts(api, "FullVmConfiguration", standin->config, why, sizeof why))
		standin_die("the configuration: %s", why);
	machine = standin_member(standin->config, "machine-config");
	vcpus = json_object_get_int64(standin_member(machine, "vcpu_count"));
	if (vcpus != 1 && vcpus % 2 != 0)
		standin_die("%d processors", (int)vcpus);
	source = standin_member(standin->config, "boot-source");
	check_file(text(source, "kernel_image_path"),
		   "\x7f"
		   "ELF",
		   4);
	check_file(text(source, "initrd_path"), "", 0);
	check_drives(standin_member(standin->config, "drives"));
	standin->uds_path = text(standin_member(standin->config, "vsock"), "uds_path");
	standin_open_interface(standin);
}

int standin_listen(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
	    listen(fd, 4) != 0)
		standin_die("%s: %s", path, strerror(errno));
	return fd;
}

/* A filter that allows all: that there is one is what can be seen from outside. */
static void confine(void)
{
	struct sock_filter code[] = {{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
	struct sock_fprog program = {.len = 1, .filter = code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
		standin_die("seccomp: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	static struct standin standin;

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		(void)printf("Firecracker %s\n\n",
			     (const char *)standin_version + strlen(STANDIN_VERSION_MARK));
		(void)fclose(stdout);
		while (standin_is("stays"))
			(void)poll(NULL, 0, -1);
		return 0;
	}
	setvbuf(stdout, NULL, _IONBF, 0);
	read_options(&standin, argc, argv);
	check_place();
	standin.api_fd = standin_listen(standin.api_path);
	if (standin.config_path != NULL) {
		standin.config = json_object_from_file(standin.config_path);
		standin_take_config(&standin);
		standin.booted = true;
	}
	while (!standin.booted)
		standin_serve(&standin, -1);
	standin.vsock_fd = standin_listen(standin.uds_path);
	if (standin_is("dies-early"))
		standin_die("told to die");
	while (standin_is("never-confines"))
		pause();
	confine();
	printf("[    0.000000] stand-in for a kernel\n");
	standin_play(&standin);
	return 0;
}
