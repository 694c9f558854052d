"""The real grpcurl lists, describes and calls the hub's services over mTLS, by reflection alone."""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

BIN = pathlib.Path(sys.argv.pop(1)) if len(sys.argv) > 1 else pathlib.Path("build/release/bin")
GRPCURL = "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3"


def go_is_new_enough():
    if shutil.which("go") is None:
        return False
    found = re.search(r"go1\.(\d+)", subprocess.run(["go", "version"], capture_output=True, text=True).stdout)
    return found is not None and int(found.group(1)) >= 26


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@unittest.skipUnless(go_is_new_enough(), "Go 1.26 is not here: the real grpcurl cannot be built")
class Grpcurl(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Kept beside the programs: built once per build directory.
        cls.grpcurl = BIN.parent / "grpcurl" / "grpcurl"
        if not cls.grpcurl.exists():
            subprocess.run(["go", "install", GRPCURL], check=True, capture_output=True,
                           env={**os.environ, "GOBIN": str(cls.grpcurl.parent.absolute())})
        cls.directory = tempfile.TemporaryDirectory(prefix="lockstep-grpcurl-")
        root = pathlib.Path(cls.directory.name)
        cls.port, enrol, metrics = free_port(), free_port(), free_port()
        subprocess.run([BIN / "lockstep-hub", "init", "--data", root / "hub", "--address", f"127.0.0.1:{cls.port}",
                        "--enrol-port", str(enrol), "--context-file", root / "config"], check=True, capture_output=True)
        cls.hub = subprocess.Popen(
            [BIN / "lockstep-hub", "serve", "--data", root / "hub", "--listen", f"127.0.0.1:{cls.port}",
             "--enrol-listen", f"127.0.0.1:{enrol}", "--metrics-listen", f"127.0.0.1:{metrics}"],
            stderr=subprocess.DEVNULL)
        text = (root / "config").read_text()
        for name in ("ca", "certificate", "key"):
            block = re.search(rf"^ *{name}: \|\n((?: +.*\n)+)", text, re.MULTILINE).group(1)
            (root / name).write_text("\n".join(line.strip() for line in block.splitlines()) + "\n")
        cls.root = root
        deadline = time.monotonic() + 30
        while not cls.is_ready(metrics):
            if time.monotonic() > deadline:
                raise AssertionError("the hub did not come up")

    @staticmethod
    def is_ready(port):
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5).status == 200
        except OSError:
            return False

    @classmethod
    def tearDownClass(cls):
        cls.hub.terminate()
        cls.hub.wait(20)
        cls.directory.cleanup()

    @classmethod
    def call(cls, *words, certificate=True):
        own = ["-cert", cls.root / "certificate", "-key", cls.root / "key"] if certificate else []
        at = [f"127.0.0.1:{cls.port}"]
        data = []
        if words and words[0] == "-d":
            data, words = list(words[:2]), words[2:]
        return subprocess.run([cls.grpcurl, "-cacert", cls.root / "ca", "-connect-timeout", "3", *own, *data, *at,
                               *words], capture_output=True, text=True, timeout=60)

    def test_lists_all_services(self):
        self.assertEqual(self.call("list").stdout.split(), [
            "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection", "lockstep.v1.AgentService",
            "lockstep.v1.FleetService"])

    def test_describes_methods_and_messages(self):
        self.assertIn("rpc Link ( stream .lockstep.v1.AgentMessage ) returns ( stream .lockstep.v1.HubMessage );",
                      self.call("describe", "lockstep.v1.AgentService").stdout)
        self.assertIn("message ApplicationSpec", self.call("describe", "lockstep.v1.ApplicationSpec").stdout)

    def test_calls_as_the_admin(self):
        hub = json.loads(self.call("lockstep.v1.FleetService/GetHub").stdout)
        self.assertEqual(hub["user"], "admin")
        self.assertRegex(hub["version"], r"^\d+\.\d+\.\d+$")
        health = json.loads(self.call("grpc.health.v1.Health/Check").stdout)
        self.assertEqual(health["status"], "SERVING")

    def test_errors_come_with_their_code(self):
        answer = self.call("-d", '{"key": {"kind": "Application", "namespace": "default", "name": "none"}}',
                           "lockstep.v1.FleetService/Get")
        self.assertIn("NotFound", answer.stderr)

    def test_nobody_gets_in_without_a_certificate(self):
        self.assertNotEqual(self.call("list", certificate=False).returncode, 0)


if __name__ == "__main__":
    unittest.main()
