"""The units of deploy/systemd are ones that systemd takes, without a warning."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))


class Units(unittest.TestCase):
    def test_systemd_takes_them(self):
        self.assertEqual([unit.stem for unit in UNITS], ["lockstep-agent", "lockstep-hub"])
        with tempfile.TemporaryDirectory(prefix="lockstep-units-") as name:
            root = pathlib.Path(name)
            bin_dir, etc = root / "usr/local/bin", root / "etc/systemd/system"
            bin_dir.mkdir(parents=True)
            etc.mkdir(parents=True)
            # The targets that units stand on are systemd's own.
            shutil.copytree("/usr/lib/systemd/system", root / "usr/lib/systemd/system", symlinks=True)
            (root / "lib").symlink_to("usr/lib")
            for unit in UNITS:
                shutil.copy(unit, etc)
                shutil.copy("/bin/true", bin_dir / unit.stem)
            for unit in UNITS:
                run = subprocess.run(["systemd-analyze", "verify", f"--root={root}", unit.name],
                                     capture_output=True, text=True, check=False)
                self.assertEqual((run.returncode, run.stdout + run.stderr), (0, ""), unit.name)

    def test_they_start_again_and_are_no_root(self):
        for unit in UNITS:
            lines = unit.read_text().splitlines()
            for line in ("Restart=always", "NoNewPrivileges=yes", "ProtectSystem=strict", f"User={unit.stem}"):
                self.assertIn(line.replace("User=lockstep-hub", "User=lockstep"), lines, unit.name)


if __name__ == "__main__":
    unittest.main()
