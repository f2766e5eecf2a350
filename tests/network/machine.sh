# SPDX-License-Identifier: Apache-2.0
# Part of tests/network/packets: the same internet, seen by the guest of a microVM. Each run boots one,
# so each tries much. talk is tests/machine/talk.c; hostile guests are tests/machine/hostile.c.
artifacts=$build/tests/artifacts/good

# machine [run|start BASE] POLICY COMMAND...: as these, in a machine.
machine() {
	local plain=("${options[@]}")
	options+=(--isolation microvm --artifacts "$artifacts")
	"$@"
	options=("${plain[@]}")
}

# Without a network there is none: no interface, and no socket that could have one.
machine_NW4_none() {
	policy 'protocol: tcp, cidr: 203.0.113.10/32, port: 80' | sed '/^network:/,/^    - /d' >"$work/p.yaml"
	machine run "$work/p.yaml" talk tcp 203.0.113.10 80 udp 203.0.113.10 53 tcp 127.0.0.1 80 six ::1 80 raw x 0
	expect_status 0
	for want in 'tcp 203.0.113.10 80: EAFNOSUPPORT' 'udp 203.0.113.10 53: EAFNOSUPPORT' 'tcp 127.0.0.1 80: EAFNOSUPPORT' 'six ::1 80: EAFNOSUPPORT' 'raw x 0: EAFNOSUPPORT'; do
		expect_out "$want"
	done
	expect_report '.networkAudit.mode == "none"'
}

# Allowed and refused in one machine, with every destination counted.
machine_allowed_and_refused() {
	policy 'protocol: tcp, cidr: 203.0.113.10/32, port: 80' 'protocol: udp, cidr: 203.0.113.10/32, port: 53' >"$work/p.yaml"
	nsenter --net="/run/netns/$tag-host" python3 -c 'import socket, sys, time; s = socket.socket(socket.AF_UNIX); s.bind("\0" + sys.argv[1]); s.listen(); time.sleep(600)' "$tag" &
	listening=$!
	head -c 8M /dev/urandom >"$work/www/repo/much"
	machine run "$work/p.yaml" sh -c 'curl -sS -m 20 http://203.0.113.10/ && curl -sS http://203.0.113.10/repo/much | sha256sum && talk udp 203.0.113.10 53 \
		tcp 198.18.2.10 80 tcp 203.0.113.10 443 udp 203.0.113.10 443 udp 198.18.2.10 53 tcp 169.254.169.254 80 \
		tcp 198.51.100.2 80 tcp 192.0.0.1 80 tcp 192.0.0.1 61443 udp 192.0.0.1 53 tcp 127.0.0.1 80 six 2001:db8::1 80 six fe80::1 80 \
		six ::ffff:198.18.2.10 80 raw x 0 packet x 0 name one.example 80 many 198.18.2.10 40 abstract $0 0; cat /etc/resolv.conf; wc -l </etc/hosts' "$tag"
	kill "$listening"
	wait "$listening" 2>/dev/null
	expect_status 0
	for want in 'hello 198.51.100.2' 'udp 203.0.113.10 53: heard me' 'tcp 198.18.2.10 80: ECONNREFUSED' 'tcp 203.0.113.10 443: ECONNREFUSED' \
		'udp 203.0.113.10 443: EHOSTUNREACH' 'udp 198.18.2.10 53: EHOSTUNREACH' 'tcp 169.254.169.254 80: ECONNREFUSED' 'tcp 198.51.100.2 80: ECONNREFUSED' \
		'tcp 192.0.0.1 80: ECONNREFUSED' 'tcp 192.0.0.1 61443: ECONNREFUSED' 'udp 192.0.0.1 53: EHOSTUNREACH' 'tcp 127.0.0.1 80: ECONNREFUSED' 'six 2001:db8::1 80: E' \
		'six fe80::1 80: E' 'six ::ffff:198.18.2.10 80: E' 'raw x 0: E' 'packet x 0: E' 'name one.example 80: Temporary failure\|name one.example 80: Name' \
		'many 198.18.2.10 40: 40' "abstract $tag 0: ECONNREFUSED" '^2$'; do
		expect_out "$want"
	done
	expect_out "^$(sha256sum <"$work/www/repo/much")$"
	rm "$work/www/repo/much"
	expect_report '.networkAudit | .mode == "allowlist" and .rulesTotal == 2 and .allowedHits == 3 and .blockedHits >= 48'
	expect_event '.type == "network.plan.generated" and (.payload.tap | test("^sr-tap-[0-9a-f]{8}$"))'
	expect_event '.type == "network.rule.applied" and .payload.index == 1'
	expect_event '.type == "network.rule.hit" and .payload.allowedHits == 2 and .payload.target == "203.0.113.10/32" and .payload.chain == "forward" and .payload.table == "safe_run" and (.payload.tap | startswith("sr-tap-"))'
	for want in '"198.18.2.10" and .payload.port == 80 and .payload.protocol == "tcp"' '"203.0.113.10" and .payload.port == 443 and .payload.protocol == "udp"' \
		'"169.254.169.254"' '"198.51.100.2"' '"192.0.0.1" and .payload.port == 61443' '"198.18.2.10" and .payload.port == 40'; do
		expect_event ".type == \"network.rule.hit\" and .payload.index == null and .payload.blockedHits >= 1 and .payload.target == $want"
	done
	expect_event '.type == "network.rule.released"'
	# The VMM lacks nothing that it would complain of.
	expect_event '.type == "vm.exited" and .payload.machine.messages == ""'
	# Its own guest forges nothing, and asks nobody.
	jq -se 'any(.[]; .payload.protocol == "frame")' "$events" >/dev/null && fail "frames that are not the guest's"
	"$build/bin/safe-run" report verify "$report" >"$work/out" 2>"$work/err" || fail "the report does not verify"
}

# A rule for everywhere opens neither the host, nor this side of the interface, nor what is reserved; one
# that names them does.
machine_NW7_host_and_metadata() {
	policy 'protocol: tcp, cidr: 0.0.0.0/0, port: 80' 'protocol: tcp, cidr: 169.254.169.254/32, port: 8080' 'protocol: tcp, cidr: 198.51.100.2/32, port: 8080' >"$work/p.yaml"
	machine run "$work/p.yaml" talk get 203.0.113.10 80 get 169.254.169.254 8080 get 198.51.100.2 8080 tcp 169.254.169.254 80 tcp 198.51.100.2 80 tcp 192.0.0.1 80 \
		tcp 127.0.0.1 80 tcp 224.0.0.1 80 udp 255.255.255.255 80 tcp 0.0.0.0 80
	expect_status 0
	for want in 'get 203.0.113.10 80: hello 198.51.100.2' 'get 169.254.169.254 8080: hello' 'get 198.51.100.2 8080: hello' 'tcp 169.254.169.254 80: ECONNREFUSED' \
		'tcp 198.51.100.2 80: ECONNREFUSED' 'tcp 192.0.0.1 80: ECONNREFUSED' 'tcp 127.0.0.1 80: ECONNREFUSED' \
		'tcp 224.0.0.1 80: E' 'udp 255.255.255.255 80: E' 'tcp 0.0.0.0 80: ECONNREFUSED'; do
		expect_out "$want"
	done
	expect_report '.networkAudit.allowedHits == 3'
}

# answer NAME ADDRESS...: a name server in the router, which knows these.
answer() {
	server=$(in_host ip -4 route show default | awk '{ print $3 }')
	echo "nameserver $server" >"$work/resolv.conf"
	: >"$work/dns"
	nsenter --net="/run/netns/$tag-router" python3 -c '
import socket, struct, sys
names = {sys.argv[i].encode(): sys.argv[i + 1] for i in range(2, len(sys.argv), 2)}
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((sys.argv[1], 53))
print("up", flush=True)
while True:
    q, peer = s.recvfrom(512); i, labels = 12, []
    while q[i]: labels.append(q[i + 1:i + 1 + q[i]]); i += q[i] + 1
    name = b".".join(labels).lower(); a = names.get(name)
    print("asked", name.decode(), flush=True)
    r = q[:2] + struct.pack(">HHHHH", 0x8580 if a else 0x8583, 1, bool(a), 0, 0) + q[12:i + 5]
    if a: r += b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton(a)
    s.sendto(r, peer)
' "$server" "$@" >"$work/dns" 2>&1 &
	answering=$!
	until grep -q up "$work/dns" || ! kill -0 $answering; do sleep 0.05; done
}

answer_no_more() {
	kill $answering
	wait $answering 2>/dev/null
	rm -f "$work/resolv.conf"
}

# NW2, NW3, NW5. Names: pinned, unlisted, tied to what HTTP says, below a wildcard; with a way out for packets and without.
machine_NW5_names() {
	answer one.example 203.0.113.10 two.example 198.18.2.10 a.w.example 203.0.113.10 evil.example 198.18.2.10
	policy 'protocol: tcp, host: one.example, port: 8080' 'protocol: tcp, host: two.example, port: 80, match: name' \
		'protocol: tcp, host: "*.w.example", port: 80, match: name' >"$work/p.yaml"
	machine run "$work/p.yaml" sh -c 'talk get one.example 8080 get two.example 80 get a.w.example 80 name evil.example 80 tcp 203.0.113.10 8080 \
		tcp 203.0.113.10 443 tcp 192.0.0.1 61443 tcp 203.0.113.10 853 udp 203.0.113.10 53 name $(printf %063d 0).evil.example 80 name evil.two.example 80
		curl -sS -m 20 -H "Host: two.example." http://two.example/; echo "other spelling: $?"; curl -sS -m 20 -H "Host: evil.example" http://two.example/; echo "other host: $?"
		curl -sS -m 20 http://198.18.2.10/; echo "no host: $?"'
	expect_status 0
	for want in 'get one.example 8080: hello 198.51.100.2' 'get two.example 80: hello 198.51.100.2' 'get a.w.example 80: hello 198.51.100.2' \
		'name evil.example 80: Name' 'tcp 203.0.113.10 8080: open' 'tcp 203.0.113.10 443: ECONNREFUSED' 'tcp 192.0.0.1 61443: ECONNREFUSED' \
		'other host: [1-9]' 'no host: [1-9]' 'other spelling: [1-9]' 'tcp 203.0.113.10 853: ECONNREFUSED' 'udp 203.0.113.10 53: EHOSTUNREACH' \
		'evil.example 80: Name' 'evil.two.example 80: Name'; do
		expect_out "$want"
	done
	grep -q 'asked evil' "$work/dns" && fail "an unlisted name was asked for"
	expect_event '.type == "network.rule.hit" and .payload.target == "two.example" and .payload.allowedHits >= 1 and (.payload.tap | startswith("sr-tap-"))'
	expect_event '.type == "network.rule.hit" and .payload.target == "*.w.example" and .payload.allowedHits == 1'
	policy 'protocol: tcp, host: two.example, port: 80, match: name' >"$work/p.yaml"
	machine run "$work/p.yaml" talk get two.example 80 tcp 198.18.2.10 8080 name evil.example 80 udp 198.18.2.10 53
	expect_status 0
	for want in 'get two.example 80: hello' 'tcp 198.18.2.10 8080: ECONNREFUSED' 'name evil.example 80: ' 'udp 198.18.2.10 53: E'; do expect_out "$want"; done
	expect_event '.type == "network.rule.hit" and .payload.target == "198.18.2.10" and .payload.port == 8080'
	answer_no_more
}

# A guest that is root in its kernel and sends what it likes: forged senders, ARP, IPv6, a source route.
machine_NW6_forged_frames() {
	policy 'protocol: tcp, cidr: 0.0.0.0/0, port: 80' >"$work/p.yaml"
	artifacts=$build/tests/artifacts/hostile machine run "$work/p.yaml" true forge
	expect_status 0
	expect_event '.type == "network.rule.hit" and .payload.protocol == "frame" and .payload.blockedHits >= 700'
	expect_report '.networkAudit.allowedHits == 0 and .networkAudit.blockedHits >= 700'
}

# Two machines at once, whose guests have the same address: neither reaches the other.
machine_NW8_two_apart() {
	local pid ends end
	policy 'protocol: tcp, cidr: 0.0.0.0/0, port: 8080' 'protocol: tcp, cidr: 100.64.0.0/10, port: 8080' 'protocol: tcp, cidr: 192.0.0.0/24, port: 8080' >"$work/p.yaml"
	machine start other "$work/p.yaml" talk listen x 8080 >"$work/other.out" 2>&1 &
	pid=$!
	for _ in $(seq 600); do grep -q listens "$work/other.out" && break; sleep 0.1; done
	grep -q listens "$work/other.out" || fail "the other machine is not up"
	# Where the other's connections come from, and the host's end of that.
	ends=$(in_host ip -o -4 addr show | grep ' sr-' | grep -oE '100\.[0-9.]+' | sort -u)
	[ "$(echo $ends | wc -w)" -eq 2 ] || fail "the other machine has no address: $ends"
	machine run "$work/p.yaml" talk tcp 192.0.0.2 8081 $(for end in $ends; do echo "tcp $end 8080"; done) tcp 192.0.0.1 8080
	expect_status 0
	[ "$(grep -c '^tcp 100.*: E' "$work/out")" -eq 2 ] || fail "not both were tried and refused"
	grep -q 'tcp [^:]*: open' "$work/out" && fail "a machine reached another"
	kill -TERM $pid 2>/dev/null
	wait "$pid"
	grep -q 'somebody came' "$work/other.out" && fail "the other machine was reached"
	rm -rf "$work/own/other"
}

# The launcher is killed while the machine is made, boots and runs: nothing of it stays.
machine_NW8_killed() {
	local step pid launcher killed=0
	policy 'protocol: tcp, cidr: 203.0.113.10/32, port: 80' >"$work/p.yaml"
	for step in 0.03 0.06 0.1 0.2 0.4 0.8 2; do
		machine start runs "$work/p.yaml" sleep 20 >/dev/null 2>&1 &
		pid=$!
		sleep "$step"
		launcher=$(pgrep -P "$pid" -x sr-launch) && kill -KILL $launcher && killed=$((killed + 1))
		wait "$pid"
		gone 300 || fail "something after $step: $(in_host nft list tables; in_host ip -o link)"
	done
	[ $killed -ge 3 ] || fail "only $killed launchers were killed"
}
# Who watches the machine's packets is killed, and so is the machine.
machine_NW6_filter_killed() {
	local pid launcher i
	policy 'protocol: tcp, cidr: 203.0.113.10/32, port: 80' >"$work/p.yaml"
	rm -rf "$work/own/runs"
	machine start runs "$work/p.yaml" sh -c 'echo up; sleep 50' >"$work/out" 2>"$work/err" &
	pid=$!
	for i in $(seq 600); do
		grep -q up "$work/out" && break
		sleep 0.1
	done
	launcher=$(pgrep -P "$pid" -x sr-launch)
	kill -KILL $(pgrep -P "$launcher" -x sr-filter)
	wait "$pid"
	status=$?
	expect_status 125
	grep -q 'SR-RUN-201.*ended while the command ran' "$work/err" || fail "no SR-RUN-201"
	gone 300 || fail "something after sr-filter"
}
machine_tests='machine_NW4_none machine_allowed_and_refused machine_NW5_names machine_NW6_filter_killed machine_NW6_forged_frames machine_NW7_host_and_metadata machine_NW8_two_apart machine_NW8_killed'
