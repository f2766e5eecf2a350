#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The aggregate of a forward seal, from sr-seal(1)'s words alone and with none of its code.

recompute.py KEYFILE EVENTS [open]: prints what forward.json must hold for the lines of EVENTS.
recompute.py: prints the known answers of tests/unit/seal_ratchet.c.
"""
import hashlib
import hmac
import json
import sys


def domain(name):
    return b"safe-run.forward/v1 " + name + b"\0"


def mac(key, name, *parts):
    return hmac.new(key, domain(name) + b"".join(parts), hashlib.sha256).digest()


def aggregate(key, run_id, events, closed):
    run_id = run_id.encode()
    key = mac(key, b"start", run_id)
    value = hashlib.sha256(domain(b"origin") + run_id).digest()

    def add(tag):
        return hashlib.sha256(domain(b"aggregate") + value + tag).digest()

    for index, event in enumerate(events):
        value = add(mac(key, b"event", index.to_bytes(8, "big"), event))
        key = mac(key, b"evolve")
    if closed:
        value = add(mac(key, b"close", len(events).to_bytes(8, "big")))
    return "sha256:" + value.hex()


def main():
    if len(sys.argv) > 2:
        with open(sys.argv[1], encoding="ascii") as file:
            record = json.load(file)
        with open(sys.argv[2], "rb") as file:
            events = file.read().split(b"\n")[:-1]
        print(aggregate(bytes.fromhex(record["key"]), record["runId"], events, len(sys.argv) == 3))
        return
    events = [b"", b"a", b"{}", b"x" * 64, b"y" * 1000]
    for count in range(len(events) + 1):
        for closed in (False, True):
            print(count, closed, aggregate(bytes(range(32)), "sr-1", events[:count], closed))


main()
