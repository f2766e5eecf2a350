/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stand-in's network device: its TAP, opened as Firecracker opens it (IFF_VNET_HDR, a header of 12
 * bytes), and a guest that writes what it likes into that header, as a guest of Firecracker's can.
 */
#include "tests/firecracker/firecracker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ETH	  14
#define HEAD	  12 /* struct virtio_net_hdr_v1 */
#define PLACE	  65536
#define PORT	  40000
#define ANSWER_MS 3000
#define MSS	  1000

static int open_tap(const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		standin_die("/dev/net/tun: %s", strerror(errno));
	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
	if (ioctl(fd, TUNSETIFF, &request) == 0)
		return fd;
	close(fd);
	return -1;
}

/* One of another name would be made here, had this user the right to. */
static void expect_no_right(const char *name)
{
	if (open_tap("another") >= 0 || errno != EPERM)
		standin_die("an interface can be made");
	if (open_tap(name) >= 0 || errno != EBUSY)
		standin_die("%s can be opened twice", name);
}

void standin_open_interface(struct standin *standin)
{
	struct json_object *list = json_object_object_get(standin->config, "network-interfaces"),
			   *interface;
	struct ifreq request = {.ifr_flags = 0};
	int size = HEAD;
	const char *name;

	standin->tap_fd = -1;
	if (list == NULL) {
		if (if_nametoindex("lo") != 1 || if_indextoname(2, request.ifr_name) != NULL)
			standin_die("there is an interface %s", request.ifr_name);
		return;
	}
	if (json_object_array_length(list) != 1)
		standin_die("not one interface");
	interface = json_object_array_get_idx(list, 0);
	name = json_object_get_string(standin_member(interface, "host_dev_name"));
	if (if_nametoindex(name) == 0)
		standin_die("there is no %s here", name);
	standin->tap_fd = open_tap(name);
	if (standin->tap_fd < 0 || ioctl(standin->tap_fd, TUNGETIFF, &request) != 0 ||
	    (request.ifr_flags & IFF_PERSIST) == 0 ||
	    ioctl(standin->tap_fd, TUNSETVNETHDRSZ, &size) != 0 ||
	    ioctl(standin->tap_fd, TUNSETOFFLOAD,
		  (unsigned long)(TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6)) != 0)
		standin_die("%s: %s", name, strerror(errno));
	expect_no_right(name);
}

static uint32_t add(const uint8_t *data, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)data[i] << 8 : data[i];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

struct packet {
	uint8_t bytes[PLACE]; /* the header, Ethernet's, IP's */
	size_t len;	      /* of all */
	uint8_t *transport;
	struct virtio_net_hdr_v1 *head;
	uint32_t pseudo;
};

static void begin(struct packet *packet, uint8_t protocol, const char *to, size_t len)
{
	static const uint8_t ethernet[ETH] = {2, 0x73, 0x72, 0, 0, 1, 2, 0x73, 0x72, 0, 0, 2, 8, 0};
	struct iphdr *ip = (struct iphdr *)(packet->bytes + HEAD + ETH);
	uint8_t tail[4] = {0, protocol, (uint8_t)(len >> 8), (uint8_t)len};

	memset(packet, 0, sizeof *packet);
	packet->head = (struct virtio_net_hdr_v1 *)packet->bytes;
	memcpy(packet->bytes + HEAD, ethernet, ETH);
	*ip = (struct iphdr){.version = 4, .ihl = 5, .ttl = 64, .protocol = protocol};
	ip->tot_len = htons((uint16_t)(sizeof *ip + len));
	ip->saddr = inet_addr("192.0.0.2");
	ip->daddr = inet_addr(to);
	ip->check = htons((uint16_t)~add((uint8_t *)ip, sizeof *ip, 0));
	packet->transport = (uint8_t *)(ip + 1);
	packet->len = (size_t)(packet->transport - packet->bytes) + len;
	packet->pseudo = add(tail, sizeof tail, add((uint8_t *)&ip->saddr, 8, 0));
}

/* Left to the host: from the transport header on, into offset. */
static void leave_sum(struct packet *packet, uint16_t offset)
{
	packet->head->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	packet->head->csum_start = (uint16_t)(packet->transport - packet->bytes - HEAD);
	packet->head->csum_offset = offset;
}

static void put(const struct standin *standin, const struct packet *packet)
{
	if (write(standin->tap_fd, packet->bytes, packet->len) != (ssize_t)packet->len)
		standin_die("a frame: %s", strerror(errno));
}

/* The next IP packet's transport header; NULL: none comes. */
static const uint8_t *get(const struct standin *standin, uint8_t *protocol, size_t *len)
{
	static uint8_t bytes[PLACE + HEAD + ETH];
	struct pollfd item = {.fd = standin->tap_fd, .events = POLLIN};
	const struct iphdr *ip = (const struct iphdr *)(bytes + HEAD + ETH);

	while (poll(&item, 1, ANSWER_MS) > 0) {
		ssize_t got = read(standin->tap_fd, bytes, sizeof bytes);

		if (got < (ssize_t)(HEAD + ETH + sizeof *ip) || ip->version != 4)
			continue;
		*protocol = ip->protocol;
		*len = ntohs(ip->tot_len) - sizeof *ip;
		return (const uint8_t *)(ip + 1);
	}
	return NULL;
}

static const char *answer(const struct standin *standin)
{
	static char text[128];
	uint8_t protocol = 0;
	size_t len = 0;
	const uint8_t *got = get(standin, &protocol, &len);

	if (got == NULL)
		return "nothing";
	if (protocol == IPPROTO_ICMP)
		snprintf(text, sizeof text, "icmp %u %u", got[0], got[1]);
	else if (protocol == IPPROTO_UDP)
		snprintf(text, sizeof text, "%.*s from %u", (int)(len - 8), (const char *)got + 8,
			 ntohs(((const struct udphdr *)got)->source));
	else
		snprintf(text, sizeof text, "protocol %u", protocol);
	return text;
}

enum sum { SUM_OWN, SUM_LEFT, SUM_OVER_PORT };

/*
 * SUM_OVER_PORT: the checksum is left to the host, and to be written where the port is. With the last two
 * bytes it is made to be 443. UDP's own is 0: there is none.
 */
static const char *send_datagram(const struct standin *standin, const char *to, uint16_t port,
				 enum sum sum)
{
	static struct packet packet;
	size_t len = sizeof(struct udphdr) + 4;
	struct udphdr *udp;

	begin(&packet, IPPROTO_UDP, to, len);
	udp = (struct udphdr *)packet.transport;
	udp->source = htons(PORT);
	udp->dest = htons(port);
	udp->len = htons((uint16_t)len);
	memcpy(udp + 1, "me", 2);
	if (sum == SUM_OWN)
		udp->check = htons((uint16_t)~add(packet.transport, len, packet.pseudo));
	if (sum == SUM_LEFT) {
		udp->check = htons((uint16_t)packet.pseudo);
		leave_sum(&packet, 6);
	}
	if (sum == SUM_OVER_PORT) {
		uint32_t rest = (uint16_t)~443 + 0xffffU - add(packet.transport, len, 0);
		uint16_t last = htons((uint16_t)(rest > 0xffff ? rest - 0xffff : rest));

		memcpy(packet.transport + len - 2, &last, 2);
		leave_sum(&packet, 2);
	}
	put(standin, &packet);
	return answer(standin);
}

static void send_segment(const struct standin *standin, const char *to, uint32_t number,
			 uint32_t acknowledged, uint8_t flags, const char *data, size_t data_len)
{
	static struct packet packet;
	struct tcphdr *tcp;

	begin(&packet, IPPROTO_TCP, to, sizeof *tcp + data_len);
	tcp = (struct tcphdr *)packet.transport;
	tcp->source = htons(PORT);
	tcp->dest = htons(80);
	tcp->seq = htonl(number);
	tcp->ack_seq = htonl(acknowledged);
	tcp->doff = 5;
	packet.transport[13] = flags;
	tcp->window = htons(60000);
	memcpy(tcp + 1, data, data_len);
	tcp->check = htons((uint16_t)packet.pseudo);
	leave_sum(&packet, 16);
	if (data_len > MSS) {
		packet.head->gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
		packet.head->gso_size = MSS;
		packet.head->hdr_len = (uint16_t)(ETH + sizeof(struct iphdr) + sizeof *tcp);
	}
	put(standin, &packet);
}

/* One request of many segments in one frame. */
static const char *ask_page(const struct standin *standin, const char *to)
{
	static char request[9000];
	size_t len;
	uint8_t protocol = 0;
	const uint8_t *got;
	uint32_t theirs;

	len = (size_t)snprintf(request, sizeof request,
			       "GET / HTTP/1.1\r\nHost: one.example\r\nX-Long: %08000d\r\n\r\n", 0);
	send_segment(standin, to, 1, 0, TH_SYN, "", 0);
	got = get(standin, &protocol, &(size_t){0});
	if (got == NULL || protocol != IPPROTO_TCP || got[13] != (TH_SYN | TH_ACK))
		return "no connection";
	theirs = ntohl(((const struct tcphdr *)got)->seq) + 1;
	send_segment(standin, to, 2, theirs, TH_ACK | TH_PUSH, request, len);
	for (size_t got_len; (got = get(standin, &protocol, &got_len)) != NULL;) {
		size_t head = (size_t)(got[12] >> 4) * 4;

		/* Its body comes when its head is acknowledged, so not here. */
		if (got_len > head && memmem(got + head, got_len - head, " 200 OK", 7) != NULL)
			return "answered";
	}
	return "no answer";
}

void standin_send_frames(const struct standin *standin, char *text, size_t size)
{
	static const char *const one = "203.0.113.10";
	size_t used = 0;

	if (standin->tap_fd < 0)
		standin_die("there is no interface");
	used += (size_t)snprintf(text + used, size - used, "own sum: %s\n",
				 send_datagram(standin, one, 53, SUM_OWN));
	used += (size_t)snprintf(text + used, size - used, "sum left: %s\n",
				 send_datagram(standin, one, 53, SUM_LEFT));
	used += (size_t)snprintf(text + used, size - used, "refused: %s\n",
				 send_datagram(standin, "198.18.2.10", 53, SUM_LEFT));
	used += (size_t)snprintf(text + used, size - used, "over port: %s\n",
				 send_datagram(standin, one, 53, SUM_OVER_PORT));
	used += (size_t)snprintf(text + used, size - used, "segments: %s\n",
				 ask_page(standin, one));
}
