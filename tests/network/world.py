# SPDX-License-Identifier: Apache-2.0
"""An internet of this machine alone, for the tests of what goes through a run's network.

World() is made in a fresh network namespace ("the host's"), where this process was started by
unshare(1); it makes a second one ("the run's") with nothing but a loopback, whose connections to 80
and 443 are redirected as sr-filter does. Servers listen on addresses of the host's loopback."""
import array, ctypes, json, os, socket, ssl, struct, subprocess, sys, tempfile, threading, time

HERE = os.path.dirname(os.path.abspath(__file__))
BIN = os.environ["SAFE_RUN_BIN"]
NEWNET = 0x40000000
DNS = "192.0.2.53"
libc = ctypes.CDLL(None, use_errno=True)


def check(condition, text):
    if not condition:
        sys.exit("FAILED: " + text)


def sh(text):
    subprocess.run(text, shell=True, check=True)


def enter(fd):
    if libc.setns(fd, NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class World:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="safe-run-net.")
        self.log, self.seen = os.path.join(self.dir, "dns.log"), []
        open(self.log, "w").close()
        sh("ip link set lo up && ip addr add 192.0.2.1/32 dev lo && ip addr add 192.0.2.2/32 dev lo && ip addr add %s/32 dev lo" % DNS)
        host = os.open("/proc/self/ns/net", os.O_RDONLY)
        if libc.unshare(NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        self.run_ns = os.open("/proc/self/ns/net", os.O_RDONLY)
        # No way out but the redirection: a route, so that there is something to redirect, and an address of
        # its own; without one the kernel takes 0.0.0.0 as source, and no answer finds its way back.
        sh("ip link set lo up && ip addr add 198.18.0.2/32 dev lo && ip route add default dev lo src 198.18.0.2 && nft -f - <<X\n"
           "add table inet t\nadd chain inet t o { type nat hook output priority -100; }\n"
           "add rule inet t o ip daddr != 127.0.0.0/8 tcp dport { 80, 443 } redirect to :8443\nX")
        self.listener = self.listen(socket.SOCK_STREAM, 8443)
        self.dns_udp = self.listen(socket.SOCK_DGRAM, 53)
        self.dns_tcp = self.listen(socket.SOCK_STREAM, 53)
        enter(host)
        self.key = os.path.join(self.dir, "key.pem")
        sh("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=a.example -addext "
           "subjectAltName=DNS:a.example,DNS:b.example,DNS:*.w.example,DNS:one.w.example -keyout %s -out %s.crt 2>/dev/null; cat %s.crt >> %s"
           % ((self.key,) * 4))
        resolv = os.path.join(self.dir, "resolv.conf")
        with open(resolv, "w") as out:
            out.write("nameserver %s\noptions timeout:1\n" % DNS)
        self.resolv = os.open(resolv, os.O_RDONLY)
        self.nameserver = subprocess.Popen([HERE + "/nameserver", DNS, self.log], stdout=subprocess.PIPE, preexec_fn=lambda: libc.prctl(1, 9))
        check(self.nameserver.stdout.readline() == b"ready\n", "the nameserver starts")
        self.egress = None

    def listen(self, kind, port):
        made = socket.socket(socket.AF_INET, kind)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("127.0.0.1", port))
        if kind == socket.SOCK_STREAM:
            made.listen(128)
        return made

    def start(self, rules, cidrs=("192.0.2.1/32", "192.0.2.2/32"), dns=True, limit=None, expect=True):
        """rules: (host, port, addresses); the servers have addresses of this host, which a cidr has to list"""
        fds = [self.listener.fileno()] + ([self.dns_udp.fileno(), self.dns_tcp.fileno(), self.resolv] if dns else [])
        words = [x for pair in zip(["--listen-fd", "--dns-fd", "--dns-tcp-fd", "--resolv-fd"], map(str, fds)) for x in pair]

        def prepare():
            import resource
            if limit:
                resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            if os.getuid() == 0 and "nobody" in open("/etc/passwd").read() and os.environ.get("SCENE_ROOT"):
                os.setgroups([]), os.setresgid(65534, 65534, 65534), os.setresuid(65534, 65534, 65534)

        self.egress = subprocess.Popen([BIN + "/sr-egress"] + words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       pass_fds=fds, preexec_fn=prepare, text=True)
        plan = {"cidrs": list(cidrs), "rules": [{"addresses": sorted(a), "host": h, "index": i, "port": p}
                for i, (h, p, a) in enumerate(rules)], "schemaVersion": "safe-run.egress/v1"}
        self.egress.stdin.write(json.dumps(plan, sort_keys=True, separators=(",", ":")) + "\n")
        self.egress.stdin.flush()
        first = self.egress.stdout.readline()
        if expect:
            check(first == '{"type":"ready"}\n', "ready, not " + first)
        return first

    def refuse(self, rules, cidrs):
        """A plan that is not taken: its one record."""
        record = json.loads(self.start(rules, cidrs, dns=False, expect=False))
        check(self.egress.wait(10) == 1, "refused")
        return record

    def finish(self, status=0):
        self.egress.stdin.close()
        rest = self.egress.stdout.read().splitlines()
        check(self.egress.wait(10) == status, "sr-egress ends with %d, not %d" % (status, self.egress.returncode))
        check(len(rest) == 1, "one record at the end: %r" % rest)
        self.final = json.loads(rest[0])
        check(json.dumps(self.final, sort_keys=True, separators=(",", ":"), ensure_ascii=False) == rest[0], "canonical")
        return self.final

    def refused(self):
        return sorted((r["destination"], r["port"], r["name"], r["reason"], r["count"]) for r in self.final["refused"])

    def inside(self, function):
        """function() in the run's namespace, in a thread of its own; its result."""
        out = []

        def body():
            enter(self.run_ns)
            try:
                out.append(function())
            except OSError as error:
                out.append(error)

        thread = threading.Thread(target=body)
        thread.start()
        thread.join(60)
        check(bool(out), "it ends")
        return out[0]

    def program(self, *words, input=b"", timeout=60):
        """A program in the run's namespace."""
        return subprocess.run(words, input=input, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout,
                              preexec_fn=lambda: enter(self.run_ns))

    def serve(self, address, port, handle, tls=None):
        """handle(connection, self.seen) for each connection, in the host's namespace."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(600)

        def one(peer):
            try:
                if tls:
                    peer = tls.wrap_socket(peer, server_side=True)
                handle(peer, self.seen)
            except (OSError, ValueError):
                pass
            finally:
                peer.close()

        def loop():
            while True:
                peer, _ = listener.accept()
                threading.Thread(target=one, args=(peer,), daemon=True).start()

        threading.Thread(target=loop, daemon=True).start()

    def tls(self, **options):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.key)
        context.sni_callback = lambda sock, name, ctx: self.seen.append("sni " + str(name))
        for name, value in options.items():
            setattr(context, name, value)
        return context


def http_answer(peer, seen):
    """Requests one after the other, as a plain server reads them."""
    stream = peer.makefile("rb")
    while True:
        line = stream.readline()
        if not line:
            return
        fields = {}
        while True:
            field = stream.readline().rstrip(b"\r\n")
            if not field:
                break
            name, _, value = field.partition(b":")
            fields[name.strip().lower()] = value.strip()
        body = b""
        if b"content-length" in fields:
            body = stream.read(int(fields[b"content-length"]))
        elif fields.get(b"transfer-encoding") == b"chunked":
            while True:
                size = int(stream.readline(), 16)
                body += stream.read(size)
                stream.readline()
                if size == 0:
                    break
        seen.append("%s %s %d" % (line.split()[1].decode(), fields.get(b"host", b"-").decode(), len(body)))
        text = b"hello " + fields.get(b"host", b"-") + b"\n"
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text) + text)
