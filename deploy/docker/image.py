#!/usr/bin/env python3
"""Writes one OCI image as a layout and prints its manifest's digest; deploy/docker/build is what people call.

Two layers: what comes from Debian's packages, which stays the same from build to build, and the programs. Times are zero and
owners fixed, so that the same input gives the same bytes.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile

USER = 65532
ETC = {
    "etc/passwd": f"root:x:0:0:root:/root:/sbin/nologin\nlockstep:x:{USER}:{USER}:lockstep:/var/lib/lockstep:/sbin/nologin\n",
    "etc/group": f"root:x:0:\nlockstep:x:{USER}:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
ALWAYS = {"ca-certificates", "base-files"}  # The authorities; the licences that others' copyright files point to.
STATE = ["var/lib/lockstep", "var/lib/lockstep-agent"]


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}).stdout


class Layer:
    """A tar in memory; folders come by themselves."""

    def __init__(self):
        self.entries = {}

    def _add(self, path, kind, mode, data=b"", target="", owner=0):
        for parent in reversed(pathlib.PurePosixPath(path).parents):
            if str(parent) != ".":
                self.entries.setdefault(str(parent), (tarfile.DIRTYPE, 0o755, b"", "", 0))
        self.entries[path] = (kind, mode, data, target, owner)

    def file(self, path, data, mode=0o644):
        self._add(path, tarfile.REGTYPE, mode, data)

    def link(self, path, target):
        self._add(path, tarfile.SYMTYPE, 0o777, target=target)

    def folder(self, path, mode, owner):
        self._add(path, tarfile.DIRTYPE, mode, owner=owner)

    def tar(self):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
            for path, (kind, mode, data, target, owner) in sorted(self.entries.items()):
                info = tarfile.TarInfo(path)
                info.type, info.mode, info.size, info.linkname = kind, mode, len(data), target
                info.uid = info.gid = owner
                archive.addfile(info, io.BytesIO(data))
        return buffer.getvalue()


def libraries(programs):
    """Paths, as the programs name them, of all that they link, the loader included."""
    found = set()
    for program in programs:
        text = output("ldd", str(program))
        if "not found" in text:
            sys.exit(f"{program} lacks a library here:\n{text}")
        found.update(re.findall(r"(?:=> |^\s*)(/\S+) \(0x", text, re.MULTILINE))
    return sorted(found)


def packages_of(paths):
    """The packages that own files; /lib is /usr/lib here, and packages say either."""
    real = {path: str(pathlib.Path(path).resolve()) for path in paths}
    names = sorted({name for path in real.values() for name in (path, path.removeprefix("/usr"))})
    # Ends with 1, since of two names of a file only one is known.
    listed = subprocess.run(["dpkg-query", "-S", *names], capture_output=True, text=True, check=False).stdout
    owner = {path: owners.split(",")[0].split(":")[0] for owners, _, path in (line.rpartition(": ") for line in listed.splitlines())}
    packages = set()
    for path, name in real.items():
        package = owner.get(name) or owner.get(name.removeprefix("/usr"))
        if package is None:
            sys.exit(f"{path} is of no package; an image is made of packages alone")
        packages.add(package)
    return packages


def base_layer(programs):
    layer = Layer()
    for path in ("bin", "lib", "lib64", "sbin"):
        layer.link(path, f"usr/{path}")
    linked = libraries(programs)
    for path in linked:
        inside = path if path.startswith("/usr/") else f"/usr{path}"
        layer.file(inside[1:], pathlib.Path(path).read_bytes(), 0o755)
    for path, text in ETC.items():
        layer.file(path, text.encode())
    layer.file("etc/ssl/certs/ca-certificates.crt", pathlib.Path("/etc/ssl/certs/ca-certificates.crt").read_bytes())
    layer.file("usr/lib/os-release", pathlib.Path("/usr/lib/os-release").read_bytes())
    layer.link("etc/os-release", "../usr/lib/os-release")
    for licence in pathlib.Path("/usr/share/common-licenses").iterdir():
        layer.file(f"usr/share/common-licenses/{licence.name}", licence.read_bytes())
    for name in sorted(packages_of(linked) | ALWAYS):
        layer.file(f"usr/share/doc/{name}/copyright", pathlib.Path(f"/usr/share/doc/{name}/copyright").read_bytes())
        # Where scanners look in an image without a package manager.
        layer.file(f"var/lib/dpkg/status.d/{name}", output("dpkg-query", "-s", name).encode())
    for path in ("bin", "sbin", "lib64"):
        layer.entries.setdefault(f"usr/{path}", (tarfile.DIRTYPE, 0o755, b"", "", 0))
    layer.folder("tmp", 0o1777, 0)
    for path in STATE:
        layer.folder(path, 0o700, USER)
    return layer


def program_layer(programs):
    layer = Layer()
    for program in programs:
        layer.file(f"usr/local/bin/{program.name}", program.read_bytes(), 0o755)
    return layer


class Layout:
    """An OCI layout (image-spec, image-layout.md)."""

    def __init__(self, directory):
        self.directory = directory
        shutil.rmtree(directory, ignore_errors=True)
        (directory / "blobs" / "sha256").mkdir(parents=True)

    def blob(self, data, media_type):
        digest = hashlib.sha256(data).hexdigest()
        (self.directory / "blobs" / "sha256" / digest).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    def json(self, value, media_type):
        return self.blob(json.dumps(value, sort_keys=True, separators=(",", ":")).encode(), media_type)

    def finish(self, manifest, tag):
        index = {"schemaVersion": 2, "manifests": [{**manifest, "annotations": {"org.opencontainers.image.ref.name": tag}}]}
        (self.directory / "index.json").write_text(json.dumps(index, sort_keys=True))
        (self.directory / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for flag in ("--out", "--tag", "--bin"):
        parser.add_argument(flag, required=True)
    parser.add_argument("programs", nargs="+")
    flags = parser.parse_args()
    programs = [pathlib.Path(flags.bin) / name for name in flags.programs]

    kind = "application/vnd.oci.image."
    layout = Layout(pathlib.Path(flags.out))
    layers, diff_ids = [], []
    for layer in (base_layer(programs), program_layer(programs)):
        tar = layer.tar()
        diff_ids.append("sha256:" + hashlib.sha256(tar).hexdigest())
        layers.append(layout.blob(gzip.compress(tar, 6, mtime=0), kind + "layer.v1.tar+gzip"))
    config = layout.json({
        "architecture": output("dpkg", "--print-architecture").strip(),
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": {
            "User": f"{USER}:{USER}",
            "Env": ["PATH=/usr/local/bin"],
            "Entrypoint": [f"/usr/local/bin/{programs[0].name}"],
            "WorkingDir": "/",
            "Labels": {"org.opencontainers.image.title": programs[0].name, "org.opencontainers.image.version": flags.tag,
                       "org.opencontainers.image.licenses": "Apache-2.0"},
        },
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": [{"created_by": "Debian packages"}, {"created_by": "Lockstep"}],
    }, kind + "config.v1+json")
    manifest = layout.json({"schemaVersion": 2, "mediaType": kind + "manifest.v1+json", "config": config, "layers": layers},
                           kind + "manifest.v1+json")
    layout.finish(manifest, flags.tag)
    print(manifest["digest"])


if __name__ == "__main__":
    main()
