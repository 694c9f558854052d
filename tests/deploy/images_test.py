"""The images of deploy/docker/build: made twice alike, pushed to a registry, pulled, and run from what was unpacked."""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(sys.argv.pop(1))
IMAGES = {"lockstep-hub": ["lockstep-hub", "lockstep"], "lockstep-agent": ["lockstep-agent"]}
USER = "65532:65532"


def output(*command, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **more)
    if done.returncode != 0:
        raise AssertionError(f"{command[0]} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def free_ports(count):
    """A loopback address that is this process's own, and ports that are free there."""
    host = f"127.{64 + (os.getpid() >> 16 & 63)}.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
    sockets = [socket.create_server((host, 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return host, ports


class Program:
    """A process that runs beside the test, and what it says."""

    def __init__(self, *command):
        self.said = ""
        self.ended = False
        self.news = threading.Condition()
        self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self.news:
                self.said += line
                self.news.notify()
        with self.news:
            self.ended = True
            self.news.notify()

    def wait_for(self, pattern):
        """The pattern's match, once it is said; fails if the process ends first."""
        with self.news:
            self.news.wait_for(lambda: self.ended or re.search(pattern, self.said), timeout=60)
            found = re.search(pattern, self.said)
        if found is None:
            raise AssertionError(self.said)
        return found

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()


class Registry:
    """Debian's docker-registry on a free port of the loopback."""

    def __init__(self, directory):
        (directory / "config.yml").write_text(
            f"version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {directory / 'storage'}}}}}\n"
            "http: {addr: '127.0.0.1:0'}\n")
        self.program = Program("docker-registry", "serve", directory / "config.yml")
        self.stop = self.program.stop
        try:
            self.address = self.program.wait_for(r"listening on (127\.0\.0\.1:\d+)").group(1)
        except AssertionError:
            self.stop()
            raise


class Images(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="lockstep-images-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory)
        cls.registry = Registry(cls.directory)
        cls.addClassCleanup(cls.registry.stop)
        cls.bases = cls.directory / "bases"
        shutil.copytree(ROOT / "deploy" / "kubernetes", cls.bases)
        cls.build("pushed", BIN, "--push", cls.registry.address, "--bases", cls.bases)
        cls.pulled = {name: cls.pull(name) for name in IMAGES}

    @classmethod
    def build(cls, out, programs, *flags, **more):
        return output(ROOT / "deploy" / "docker" / "build", "--bin", programs, "--out", cls.directory / out, "--tag", "tried", *flags,
                      **more)

    @classmethod
    def pull(cls, name):
        """Pulls an image as its base names it and unpacks it; the folder and its configuration."""
        text = (cls.bases / name.removeprefix("lockstep-") / "kustomization.yaml").read_text()
        at = re.search(r"newName: (\S+)\n +digest: (\S+)\n", text)
        layout, root = cls.directory / f"{name}-layout", cls.directory / f"{name}-root"
        output("skopeo", "--insecure-policy", "copy", "-q", "--src-tls-verify=false", f"docker://{at.group(1)}@{at.group(2)}",
               f"oci:{layout}:pulled")

        def blob(descriptor):
            return layout / "blobs" / descriptor["digest"].replace(":", "/")

        index = json.loads((layout / "index.json").read_text())
        manifest = json.loads(blob(index["manifests"][0]).read_text())
        root.mkdir(mode=0o755)
        for layer in manifest["layers"]:
            output("tar", "--numeric-owner", "-xpzf", blob(layer), "-C", root)
        return root, json.loads(blob(manifest["config"]).read_text())["config"]

    def run_in(self, root, *command):
        """Runs a program as the image's user, in nothing but the image."""
        if os.geteuid() == 0:
            return output("/usr/sbin/chroot", f"--userspec={USER}", root, *command, env={})
        loader = next(root.glob("usr/lib*/ld-linux*"))
        libraries = next(root.glob("usr/lib/*-linux-gnu"))
        return output(loader, "--library-path", libraries, root / command[0][1:], *command[1:], env={})

    def test_the_programs_say_their_version_from_the_unpacked_root(self):
        for image, programs in IMAGES.items():
            for program in programs:
                said = self.run_in(self.pulled[image][0], f"/usr/local/bin/{program}", *(["version", "--client"] if program == "lockstep" else
                                                                         ["--version"]))
                self.assertRegex(said, r"\b\d+\.\d+\.\d+\b", program)
            config = self.pulled[image][1]
            self.assertEqual((config["User"], config["Entrypoint"]), (USER, [f"/usr/local/bin/{image}"]))

    def test_every_library_is_the_images_own(self):
        for image, programs in IMAGES.items():
            root = self.pulled[image][0]
            loader = next(root.glob("usr/lib*/ld-linux*"))
            for program in programs:
                listed = output(loader, "--inhibit-cache", "--library-path", next(root.glob("usr/lib/*-linux-gnu")), "--list",
                                root / "usr/local/bin" / program)
                found = re.findall(r"=> (\S+)", listed)
                self.assertGreater(len(found), 5)
                self.assertEqual([path for path in found if not path.startswith(str(root))], [], program)

    def test_a_hub_is_made_in_it_serves_and_fetches(self):
        if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "true"], check=False).returncode != 0:
            self.skipTest("needs root and a mount namespace, for chroot with /proc")
        root, program, data = self.directory / "served", "/usr/local/bin/lockstep-hub", "/var/lib/lockstep/hub"
        output("cp", "-a", self.pulled["lockstep-hub"][0], root)
        host, ports = free_ports(3)
        self.run_in(root, program, "init", "--if-empty", "--no-admin", "--data", data, "--address", f"{host}:{ports[0]}",
                    "--enrol-port", str(ports[1]))
        context = self.directory / "context"
        context.write_text(self.run_in(root, program, "user", "add", "ann", "--data", data, "--context-file", "-"))
        (root / "proc").mkdir()
        # As a container has it; the mount ends with the process.
        serve = f"mount -t proc proc {root}/proc && exec env -i /usr/sbin/chroot --userspec={USER} {root} {program} serve --data {data}" \
                f" --listen {host}:{ports[0]} --enrol-listen {host}:{ports[1]} --metrics-listen {host}:{ports[2]} --allow-source file:///tmp/"
        hub = Program("unshare", "--mount", "bash", "-c", serve)
        self.addCleanup(hub.stop)
        hub.wait_for("hub started")

        repository = root / "tmp/repository"
        output("git", "init", "-q", "-b", "main", repository)
        output("git", "-C", repository, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "--allow-empty", "-m", "a")
        commit = output("git", "-C", repository, "rev-parse", "HEAD").strip()
        manifest = self.directory / "fleet.yaml"
        manifest.write_text("apiVersion: lockstep.dev/v1\nkind: GitRepository\nmetadata: {name: fleet}\n"
                            "spec: {url: 'file:///tmp/repository', ref: {branch: main}}\n")
        output(BIN / "lockstep", "apply", "-f", manifest, "--config", context)
        output(BIN / "lockstep", "sync", "gitrepository", "fleet", "--config", context)  # Answers once it is fetched.
        self.assertIn(commit, output(BIN / "lockstep", "get", "gitrepositories", "-o", "json", "--config", context))

    def test_it_holds_no_shell_no_setuid_program_and_the_authorities(self):
        for image, (root, _) in self.pulled.items():
            files = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
            programs = [path for path in files if os.access(path, os.X_OK) and "/usr/lib" not in str(path)]
            self.assertEqual(sorted(path.name for path in programs), sorted(IMAGES[image]))
            self.assertEqual([path for path in files if path.stat().st_mode & 0o6000], [])
            self.assertIn("BEGIN CERTIFICATE", (root / "etc/ssl/certs/ca-certificates.crt").read_text())

    def test_whose_each_library_is_is_in_it(self):
        for root, _ in self.pulled.values():
            for package in ("libc6", "libssl3", "ca-certificates"):
                self.assertIn(f"Package: {package}\n", (root / "var/lib/dpkg/status.d" / package).read_text())
                self.assertTrue((root / "usr/share/doc" / package / "copyright").stat().st_size > 0)

    def test_the_bases_use_what_was_pushed(self):
        for image in IMAGES:
            rendered = output(BIN / "lockstep", "render", self.bases / image.removeprefix("lockstep-"))
            names = set(re.findall(r"image: (\S+)", rendered))
            self.assertEqual(len(names), 1)
            self.assertRegex(names.pop(), rf"^{re.escape(self.registry.address)}/{image}@sha256:[0-9a-f]{{64}}$")
        # Another push goes over it.
        before = (self.bases / "agent" / "kustomization.yaml").read_text()
        self.build("again", BIN, "--push", self.registry.address, "--bases", self.bases)
        self.assertEqual((self.bases / "agent" / "kustomization.yaml").read_text(), before)

    def test_the_same_programs_make_the_same_bytes(self):
        programs = self.directory / "programs"
        programs.mkdir()
        for names in IMAGES.values():
            for name in names:
                shutil.copyfile(BIN / name, programs / name)
                os.chmod(programs / name, 0o700)
                os.utime(programs / name, (1, 1))
        self.build("second", programs, env={**os.environ, "TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8"})
        for image in IMAGES:
            indexes = [(self.directory / out / image / "index.json").read_text() for out in ("pushed", "second")]
            self.assertEqual(*indexes)


if __name__ == "__main__":
    unittest.main(verbosity=2)
