"""The tours of deploy/quickstart, on directories and on real API servers, and that nothing of them stays behind."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
from api_server import ROOT, programs  # noqa: E402

BIN = pathlib.Path(sys.argv.pop(1))


class Quickstart(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="lockstep-tour-"))
        self.addCleanup(shutil.rmtree, self.directory)

    def start(self, *flags, **environment):
        # A process group of its own, as a shell makes one: Ctrl-C goes to all of it.
        return subprocess.Popen([str(ROOT / "deploy" / "quickstart"), "--bin", str(BIN), "--dir", str(self.directory / "tour"), *flags],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
                                env={**os.environ, **environment})

    def left_running(self):
        """Processes that were started in the tour's folder or on it."""
        found = []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_bytes().decode(errors="replace")
                place = os.readlink(process / "cwd")
            except OSError:
                continue  # Ended meanwhile, or a zombie that nobody has waited for yet.
            if words and (str(self.directory) in words or place.startswith(str(self.directory))):
                found.append(words.replace("\0", " "))
        return found

    def test_the_tour_stays_up_until_ctrl_c_and_leaves_nothing(self):
        with self.start() as tour:
            said = ""
            for line in tour.stdout:
                said += line
                if line.startswith("It stays up until Ctrl-C"):
                    os.killpg(tour.pid, signal.SIGINT)
            self.assertEqual(tour.wait(), 0, said)
        for step in ("first commit", "put back", "pruned on three clusters", "refused, with its place", "all in step"):
            self.assertIn(step, said)
        self.assertEqual(self.left_running(), [])

    def test_the_same_on_kubernetes(self):
        with self.start("--kubernetes", "--once", KUBEBUILDER_ASSETS=str(programs())) as tour:
            said = tour.stdout.read()
            self.assertEqual(tour.wait(), 0, said)
        for step in ("agent's rights", "first commit", "put back without a hub", "pruned on three clusters", "all in step"):
            self.assertIn(step, said)
        self.assertEqual(self.left_running(), [])

    def test_a_step_that_does_not_happen_fails(self):
        broken = self.directory / "bin"
        broken.mkdir()
        for name in ("lockstep", "lockstep-hub"):
            (broken / name).symlink_to(BIN / name)
        (broken / "lockstep-agent").symlink_to("/bin/true")
        tour = self.start("--once", "--bin", str(broken), LOCKSTEP_QUICKSTART_LIMIT="3")
        said, _ = tour.communicate()
        self.assertEqual(tour.returncode, 1, said)
        self.assertIn("failed: not all agents came online", said)
        self.assertEqual(self.left_running(), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
