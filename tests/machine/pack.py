# SPDX-License-Identifier: Apache-2.0
"""pack.py INIT MODULES OUT [SR_INIT]: the initramfs and manifest of tests/machine/artifacts.

With SR_INIT that lies beside INIT, and the kernel has vsock to itself.
"""
import glob
import gzip
import hashlib
import json
import os
import re
import sys

WANTED = ("virtio_mmio", "virtio_blk", "virtio_console", "virtio_rng", "virtio_net", "erofs", "overlay")
TRAILER = "TRAILER!!!"


class Archive:
    """cpio, format newc (Documentation/driver-api/early-userspace/buffer-format.rst)."""

    def __init__(self):
        self.data = bytearray()
        self.inode = 0

    def add(self, name, mode, content=b"", device=(0, 0)):
        self.inode += 1
        encoded = name.encode() + b"\0"
        numbers = (self.inode, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(encoded), 0)
        self.data += b"070701" + b"".join(b"%08x" % number for number in numbers) + encoded
        self.data += b"\0" * (-len(self.data) % 4) + content
        self.data += b"\0" * (-len(self.data) % 4)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def order_modules(directory, wanted):
    files = {}
    for path in glob.glob(directory + "/**/*.ko", recursive=True):
        files[os.path.basename(path)[:-3].replace("-", "_")] = path
    order = []

    def add(name):
        needs = re.search(rb"\0depends=([^\0]*)\0", read(files[name])).group(1).decode()
        for need in filter(None, needs.split(",")):
            add(need.replace("-", "_"))
        if name not in order:
            order.append(name)

    for name in wanted:
        add(name)
    return [(name + ".ko", read(files[name])) for name in order]


def pack_initramfs(init, modules, path, sr_init):
    archive = Archive()
    for name in ("dev", "modules", "proc", "sys"):
        archive.add(name, 0o40755)
    archive.add("dev/console", 0o20600, device=(5, 1))
    archive.add("init", 0o100755, read(init))
    if sr_init:
        archive.add("sr-init", 0o100755, read(sr_init))
    for name, content in modules:
        archive.add("modules/" + name, 0o100644, content)
    archive.add("modules/order", 0o100644, "".join(name + "\n" for name, _ in modules).encode())
    archive.add(TRAILER, 0)
    with open(path, "wb") as file:
        file.write(gzip.compress(bytes(archive.data), 6, mtime=0))


def describe(directory, name, **more):
    content = read(os.path.join(directory, name))
    return {"bytes": len(content), "path": name,
            "sha256": "sha256:" + hashlib.sha256(content).hexdigest(), **more}


def main(init, modules, out, sr_init=None):
    wanted = WANTED + (("vsock_loopback",) if sr_init else ())
    pack_initramfs(init, order_modules(modules, wanted), out + "/initramfs.img", sr_init)
    manifest = {
        "arch": "x86_64",
        "files": {
            "bzImage": describe(out, "bzImage"),
            "initramfs": describe(out, "initramfs.img"),
            "rootfs": describe(out, "rootfs.erofs", format="erofs"),
        },
        "kernel": {"release": os.listdir(modules)[0], "source": "deb:linux-image-cloud-amd64"},
        "modules": list(wanted),
        "schemaVersion": "safe-run.machine-artifacts/v1",
    }
    with open(out + "/manifest.json", "w", encoding="ascii") as file:
        file.write(json.dumps(manifest, sort_keys=True, separators=(",", ":")))


main(*sys.argv[1:])
