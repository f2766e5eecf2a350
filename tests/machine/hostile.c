/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pid 1 of a guest that is the host's enemy. Which attack, the job's first argument says; the job
 * is searched for the word, not parsed, and everything sent is made up.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CLASS	"/sys/class/virtio-ports"
#define TRIES	500
#define STEP_US 20000

static void load_modules(void)
{
	char order[4096] = "", path[256];
	int fd = open("/modules/order", O_RDONLY);
	char *rest = order, *name;

	(void)!read(fd, order, sizeof order - 1);
	while ((name = strsep(&rest, "\n")) != NULL && *name != '\0') {
		snprintf(path, sizeof path, "/modules/%s", name);
		fd = open(path, O_RDONLY);
		(void)syscall(SYS_finit_module, fd, "", 0);
	}
}

/* The port of that name, once the kernel has found it. */
static int open_port(const char *wanted)
{
	for (int i = 0; i < TRIES; i++, usleep(STEP_US)) {
		DIR *directory = opendir(CLASS);
		struct dirent *entry;

		while (directory != NULL && (entry = readdir(directory)) != NULL) {
			char path[512], name[64] = "";
			FILE *file;

			snprintf(path, sizeof path, CLASS "/%s/name", entry->d_name);
			file = fopen(path, "r");
			if (file == NULL)
				continue;
			(void)!fscanf(file, "%63s", name);
			fclose(file);
			snprintf(path, sizeof path, "/dev/%s", entry->d_name);
			if (strcmp(name, wanted) == 0)
				return open(path, O_RDWR);
		}
		if (directory != NULL)
			closedir(directory);
	}
	return -1;
}

static void say(int fd, const char *line)
{
	(void)!write(fd, line, strlen(line));
}

static void begin(int fd)
{
	say(fd, "{\"bootMs\":1,\"release\":\"lies\",\"type\":\"hello\",\"version\":\"lies\"}\n");
	say(fd, "{\"initMs\":1,\"type\":\"started\"}\n");
}

static void end_with(int fd, const char *code, const char *done)
{
	char line[512];

	snprintf(line, sizeof line,
		 "{\"exit\":{\"coreDumped\":false,\"exitCode\":%s,\"signalNumber\":null},"
		 "\"oomKills\":0,\"pidsMaxHits\":0,\"rusage\":{\"maxRssBytes\":1,\"systemUs\":0,"
		 "\"userUs\":0},\"stderrBytes\":0,\"stdoutBytes\":0,\"type\":\"exited\"}\n",
		 code);
	say(fd, line);
	say(fd, done);
}

static void end(int fd, const char *code)
{
	end_with(fd, code, "{\"entries\":0,\"type\":\"done\"}\n");
}

static void flood(void)
{
	static char line[4096];
	int fd = open("/dev/console", O_WRONLY);

	memset(line, 'x', sizeof line - 1);
	line[sizeof line - 2] = '\n';
	for (int i = 0; i < 256; i++)
		(void)!write(fd, line, sizeof line - 1);
}

#define SEVEN 7

/* Frames no guest of ours sends, a hundred of each: none may get anywhere. */
static void forge(void)
{
	static const unsigned char ours[] = {0x02, 0x73, 0x72, 0, 0, 2};
	static const unsigned char gateway[] = {0x02, 0x73, 0x72, 0, 0, 1};
	struct ifreq request = {.ifr_name = "eth0"};
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_halen = ETH_ALEN};

	(void)ioctl(fd, SIOCGIFINDEX, &request);
	to.sll_ifindex = request.ifr_ifindex;
	(void)ioctl(fd, SIOCGIFFLAGS, &request);
	request.ifr_flags |= IFF_UP | IFF_NOARP;
	(void)ioctl(fd, SIOCSIFFLAGS, &request);
	for (int i = 0; i < 100 * SEVEN; i++) {
		/* An open request to 198.18.2.10 port 80, which the policy allows. */
		unsigned char frame[74] = {2,  0x73, 0x72, 0,	 0,    1,    2,	 0x73, 0x72, 0,	 0,
					   2,  8,    0,	   0x45, 0,    0,    40, 0,    1,    0,	 0,
					   64, 6,    0,	   0,	 192,  0,    0,	 2,    198,  18, 2,
					   10, 0x9c, 0x40, 0,	 80,   0,    0,	 0,    1,    0,	 0,
					   0,  0,    0x50, 2,	 0xfa, 0xf0, 0,	 0,    0,    0};
		size_t len = 60;

		memcpy(frame, gateway, sizeof gateway);
		memcpy(frame + 6, ours, sizeof ours);
		switch (i % SEVEN) {
		case 0: /* another machine's hardware address */
			frame[11] = 3;
			break;
		case 1: /* another sender */
			frame[29] = 3;
			break;
		case 2: /* the host's own address */
			memcpy(frame + 26, "\xc6\x33\x64\x02", 4);
			break;
		case 3: /* ARP */
			frame[12] = 8;
			frame[13] = 6;
			break;
		case 4: /* IPv6 */
			frame[12] = 0x86;
			frame[13] = 0xdd;
			break;
		case 5: /* everybody */
			memset(frame, 0xff, ETH_ALEN);
			break;
		case 6: /* a source route: longer by two words */
			frame[14] = 0x47;
			memmove(frame + 42, frame + 34, 20);
			memcpy(frame + 34, "\x83\x07\x04\xa9\xfe\xa9\xfe\0", 8);
			len = 74;
			break;
		}
		while (sendto(fd, frame, len, 0, (struct sockaddr *)&to, sizeof to) < 0)
			usleep(STEP_US);
	}
	sleep(1);
}

static void attack(int fd, const char *job)
{
	if (strstr(job, "\"lie\"") != NULL) {
		/* Nothing ran; the machine goes down as it should. */
		begin(fd);
		end(fd, "0");
	} else if (strstr(job, "\"lose\"") != NULL) {
		/* Outputs that never come. */
		begin(fd);
		end_with(fd, "0", "{\"entries\":2,\"type\":\"done\"}\n");
	} else if (strstr(job, "\"forge\"") != NULL) {
		begin(fd);
		forge();
		end(fd, "0");
	} else if (strstr(job, "\"hang\"") != NULL) {
		begin(fd);
		end(fd, "0");
		for (;;)
			pause();
	} else if (strstr(job, "\"flood\"") != NULL) {
		begin(fd);
		flood();
		end(fd, "3");
	} else if (strstr(job, "\"panic\"") != NULL) {
		begin(fd);
		usleep(STEP_US);
		exit(1); /* pid 1: the kernel panics */
	} else if (strstr(job, "\"leave\"") != NULL) {
		begin(fd);
		usleep(STEP_US);
	} else if (strstr(job, "\"garbage\"") != NULL) {
		begin(fd);
		say(fd, "{\"type\":\"exited\",\"exit\":{\"exitCode\":0}}\n\x01\xff{{{{\n");
		for (;;)
			pause();
	} else if (strstr(job, "\"never\"") != NULL) {
		/* Nothing was tried. */
		say(fd, "{\"setup\":{\"code\":\"SR-RUN-002\",\"errno\":2,\"message\":\"no such "
			"thing\",\"path\":\"launch.exec\"},\"type\":\"failed\"}\n");
	} else {
		for (;;)
			pause();
	}
}

int main(void)
{
	static char job[65536];
	size_t len = 0;
	int fd;

	(void)mount("proc", "/proc", "proc", 0, NULL);
	(void)mount("sysfs", "/sys", "sysfs", 0, NULL);
	(void)mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	load_modules();
	fd = open_port("org.safe-run.control");
	while (len < sizeof job - 1 && strchr(job, '\n') == NULL) {
		ssize_t got = read(fd, job + len, sizeof job - 1 - len);

		if (got > 0)
			len += (size_t)got;
		else
			usleep(STEP_US);
	}
	attack(fd, job);
	sleep(1); /* what was said is on its way */
	(void)reboot(RB_AUTOBOOT);
	return 1;
}
