"""A real Kubernetes API server for tests in Python (tests/kube/README.md), and the real kubectl."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def programs():
    """The folder with kube-apiserver, etcd and kubectl; skips the test where there is none."""
    for folder in (os.environ.get("KUBEBUILDER_ASSETS", ""), ROOT / "build" / "kube"):
        if folder and (pathlib.Path(folder) / "kube-apiserver").exists():
            return pathlib.Path(folder).resolve()
    raise unittest.SkipTest("no kube-apiserver: run tests/kube/build.sh build/kube (needs Go 1.26)")


class ApiServer:
    """Started by construction; stop() ends it and removes its files."""

    def __init__(self):
        self.programs = programs()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="lockstep-deploy-"))
        self._script("start.sh")

    def stop(self):
        self._script("stop.sh")
        shutil.rmtree(self.directory)

    def _script(self, name):
        subprocess.run(["bash", str(ROOT / "tests" / "kube" / name), str(self.directory)], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "KUBEBUILDER_ASSETS": str(self.programs)})

    def run(self, *arguments, text=None):
        """kubectl as admin; the finished process."""
        return subprocess.run([str(self.programs / "kubectl"), "--kubeconfig", str(self.directory / "kubeconfig"),
                               "--cache-dir", str(self.directory / "cache"), *arguments],
                              capture_output=True, text=True, input=text, check=False)

    def kubectl(self, *arguments, text=None):
        """The same where it must succeed; its standard output."""
        done = self.run(*arguments, text=text)
        if done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(arguments)} ended with {done.returncode}: {done.stderr}")
        return done.stdout
