# SPDX-License-Identifier: Apache-2.0
# Part of tests/network/packets: the same internet, seen by the stand-in's guest (tests/firecracker/net.c) under
# Firecracker's stand-ins, which hold all that they are given against what the real ones take.

# A host with Firecracker on it, below a directory of root's; jails of this test's own.
firecracker_host() {
	fc=$(mktemp -d /opt/safe-run-packets.XXXXXX)
	chmod 0755 "$fc"
	mkdir "$fc/bin" "$fc/fc"
	cp -p "$build"/bin/* "$fc/bin"
	mv "$fc/bin/sr-machine" "$fc/bin/sr-machine.real"
	install -m 0755 "$build/tests/standin-sr-machine" "$fc/bin/sr-machine"
	for program in jailer firecracker; do install -m 0755 "$build/tests/standin-$program" "$fc/fc/$program"; done
	mkdir -p /srv/jailer "$work/jailer"
	chmod 0700 /srv/jailer
}

# firecracker [run|start BASE] POLICY COMMAND...: as these, under Firecracker.
firecracker() {
	local plain=("${options[@]}") plain_become=("${become[@]}") plain_build=$build
	options+=(--isolation microvm --vmm firecracker --artifacts "$build/tests/artifacts/good" "${snapshot[@]}")
	become=(nsenter --net="/run/netns/$tag-host" unshare -m sh -c 'mount --bind "$0/jailer" /srv/jailer; [ ! -f "$0/resolv.conf" ] || mount --bind "$0/resolv.conf" /etc/resolv.conf; exec "$@"' "$work")
	become+=(env "SAFE_RUN_FIRECRACKER_DIR=$fc/fc")
	build=$fc
	"$@"
	options=("${plain[@]}") become=("${plain_become[@]}") build=$plain_build
}
snapshot=()

firecracker_done() {
	ls "$work/jailer/firecracker" 2>/dev/null | grep -q . && fail "a jail is left: $(ls "$work/jailer/firecracker")"
	rm -rf "$fc" "$work/jailer"
}

# Allowed, refused, many in one, and one whose checksum would be its port once the rules had looked.
expect_frames() {
	expect_status 0
	for want in '^own sum: heard me.* from 53' '^sum left: heard me.* from 53' '^refused: icmp 3 13' '^over port: icmp 3 13' '^segments: answered'; do expect_out "$want"; done
	expect_report '.networkAudit | .mode == "allowlist" and .rulesTotal == 2 and .allowedHits == 2 and .blockedHits == 2'
	expect_event '.type == "network.rule.hit" and .payload.index == null and .payload.target == "198.18.2.10" and .payload.port == 53 and .payload.protocol == "udp" and .payload.blockedHits == 1'
	expect_event '.type == "network.rule.hit" and .payload.index == null and .payload.target == "203.0.113.10" and .payload.port == 443 and .payload.protocol == "udp" and .payload.blockedHits == 1'
}

firecracker_allowed_and_refused() {
	firecracker_host
	policy 'protocol: tcp, cidr: 203.0.113.10/32, port: 80' 'protocol: udp, cidr: 203.0.113.10/32, port: 53' >"$work/p.yaml"
	firecracker run "$work/p.yaml" frames
	expect_frames
	expect_event '.type == "network.plan.generated" and (.payload.tap | test("^sr-tap-[0-9a-f]{8}$"))'
	expect_event '.type == "network.rule.applied" and .payload.index == 1'
	expect_event '.type == "network.rule.released"'
	expect_report '.enforcement | any(.clause == "network.mode" and .enforced and (.evidence.net | test("^net:\\[[0-9]+\\]$")))'
	"$build/bin/safe-run" report verify "$report" >"$work/out" 2>"$work/err" || fail "the report does not verify"
	# Two at once have interfaces of the same name, each in a namespace of its own.
	firecracker start other "$work/p.yaml" hang >"$work/other.out" 2>&1 &
	local pid=$!
	for _ in $(seq 300); do grep -q up "$work/other.out" && break; sleep 0.1; done
	firecracker run "$work/p.yaml" frames
	expect_frames
	kill -KILL "$(pgrep -P $pid -x sr-launch)"
	wait $pid
	gone 100 || fail "something of two"
	firecracker_done
}

# The interface has the same name in each run: what is saved finds it again, with this run's rules.
firecracker_snapshot() {
	firecracker_host
	snapshot=(--snapshot)
	policy 'protocol: tcp, cidr: 203.0.113.10/32, port: 80' 'protocol: udp, cidr: 203.0.113.10/32, port: 53' >"$work/p.yaml"
	for use in made restored restored; do
		firecracker run "$work/p.yaml" frames
		expect_frames
		expect_event ".type == \"vm.started\" and .payload.machine.snapshot == \"$use\""
	done
	policy 'protocol: tcp, cidr: 203.0.113.10/32, port: 80' >"$work/p.yaml"
	firecracker run "$work/p.yaml" frames
	expect_out '^own sum: icmp 3 13'
	expect_event '.type == "vm.started" and .payload.machine.snapshot == "restored"'
	# One without a network is another machine.
	policy 'protocol: tcp, cidr: 203.0.113.10/32, port: 80' | sed '/^network:/,/^    - /d' >"$work/p.yaml"
	firecracker run "$work/p.yaml" true
	expect_status 0
	expect_event '.type == "vm.started" and .payload.machine.snapshot == "made"'
	snapshot=()
	firecracker_done
}

# Rules by name alone: no way out, and a listener behind the cable, which is told of the right name.
firecracker_NW5_names() {
	firecracker_host
	answer one.example 203.0.113.10
	policy 'protocol: tcp, host: one.example, port: 80, match: name' >"$work/p.yaml"
	firecracker run "$work/p.yaml" frames
	expect_status 0
	expect_out '^own sum: icmp 3 13'
	expect_out '^segments: answered'
	expect_report '.networkAudit | .mode == "allowlist" and .allowedHits == 1 and .blockedHits >= 3'
	answer_no_more
	firecracker_done
}

# Killed while it is made and while it runs: the kernel takes both namespaces and all that is in them.
firecracker_NW8_killed() {
	local step pid launcher id i killed=0
	firecracker_host
	policy 'protocol: tcp, cidr: 203.0.113.10/32, port: 80' >"$work/p.yaml"
	for step in 0.01 0.02 0.04 0.06 0.08 0.1 0.15 0.2 0.3 0.5 1; do
		rm -rf "$work/own/runs"
		firecracker start runs "$work/p.yaml" hang >/dev/null 2>&1 &
		pid=$!
		until launcher=$(pgrep -P "$pid" -x sr-launch) || ! kill -0 "$pid" 2>/dev/null; do :; done
		sleep "$step"
		[ -z "$launcher" ] || { kill -KILL $launcher 2>/dev/null && killed=$((killed + 1)); }
		wait "$pid"
		gone 100 || fail "something after $step: $(in_host ip -o link; processes)"
		# Firecracker is in another namespace than these, which nobody else holds.
		for id in "$work"/own/runs/sr-*; do
			for ((i = 0; i < 100; i++)); do pgrep -f -- "$(basename "$id")" >/dev/null || break; sleep 0.1; done
			[ $i -lt 100 ] || fail "a process after $step: $(pgrep -af -- "$(basename "$id")")"
		done
	done
	[ $killed -ge 8 ] || fail "only $killed launchers were killed"
	grep -q "^nsfs.*$work" /proc/mounts && fail "a network namespace is mounted"
	firecracker_done
}
firecracker_tests='firecracker_allowed_and_refused firecracker_snapshot firecracker_NW5_names firecracker_NW8_killed'
