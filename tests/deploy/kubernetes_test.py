"""deploy/kubernetes against a real API server: what it renders to, that it is taken, and what rights the agent has."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
from api_server import ROOT, ApiServer, programs  # noqa: E402

BIN = pathlib.Path(sys.argv.pop(1))
BASES = ROOT / "deploy" / "kubernetes"
RIGHTS = ROOT / "tests" / "deploy" / "agent_rights.txt"
STATEFUL_SETS = (("lockstep", "lockstep-hub"), ("lockstep-agent", "lockstep-agent"))
DEPLOYER = "system:serviceaccount:shop:deployer"
AGENT = "system:serviceaccount:lockstep-agent:lockstep-agent"


def commands(base, file):
    """The commands of a base's containers."""
    text = (BASES / base / file).read_text()
    return [[word.strip().strip('"') for word in words.split(",")] for words in re.findall(r"command: \[(.*?)\]", text, re.DOTALL)]


def write_overlays(root):
    """The overlays that docs/kubernetes.md shows, on the bases in root/bases; their folders."""
    page = (ROOT / "docs" / "kubernetes.md").read_text()
    folders = []
    for name, text in re.findall(r"```yaml\n# (\w+)/kustomization.yaml\n(.*?)```", page, re.DOTALL):
        folders.append(root / name)
        folders[-1].mkdir()
        (folders[-1] / "kustomization.yaml").write_text(text.replace("../lockstep/deploy/kubernetes", "../bases"))
    return folders


class Commands(unittest.TestCase):
    """What the containers run, without a container."""

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="lockstep-deploy-"))
        self.addCleanup(shutil.rmtree, self.directory)

    def local(self, command):
        """As it would run in a container whose volume is this test's folder."""
        words = {"/var/lib/lockstep/hub": str(self.directory / "hub"), "$(ADDRESS)": "hub.example.com"}
        return [str(BIN / pathlib.Path(command[0]).name), *(words.get(word, word) for word in command[1:])]

    def run_program(self, command):
        # No home and no other place to write: a container's root is read-only.
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.directory,
                              env={"PATH": os.environ["PATH"]})

    def test_the_programs_know_their_flags(self):
        seen = []
        for command in [*commands("hub", "hub.yaml"), *commands("agent", "agent.yaml")]:
            program, verb = self.local(command)[:2]
            seen.append(verb)
            known = self.run_program([program, verb, "--help"]).stdout
            for flag in [word for word in command if word.startswith("--")]:
                self.assertRegex(known, rf"(?m)^  (-\w,)?{flag}\b", f"{command[0]} {verb}")
        self.assertEqual(seen, ["init", "serve", "run"])

    def test_the_hub_is_made_once_and_its_admin_by_exec(self):
        init = self.local(commands("hub", "hub.yaml")[0])
        first = self.run_program(init)
        self.assertEqual((first.returncode, first.stderr), (0, ""))
        authority = (self.directory / "hub/identity/ca.crt").read_bytes()
        self.assertEqual(list((self.directory / "hub").glob("users/*")), [])
        again = self.run_program(init)
        self.assertEqual((again.returncode, again.stderr), (0, ""))
        self.assertEqual((self.directory / "hub/identity/ca.crt").read_bytes(), authority)

        user = self.run_program([str(BIN / "lockstep-hub"), "user", "add", "ann", "--data", str(self.directory / "hub"),
                                 "--context-file", "-"])
        self.assertEqual((user.returncode, user.stderr), (0, ""))
        context = self.directory / "context"
        context.write_text(user.stdout)
        # No hub answers, but the context is one.
        asked = self.run_program([str(BIN / "lockstep"), "get", "clusters", "--config", str(context), "--timeout", "1s"])
        self.assertEqual(asked.returncode, 1)
        self.assertIn("hub.example.com:7443", asked.stderr)

    def test_a_volume_that_lost_its_identity_is_not_taken_for_a_new_one(self):
        (self.directory / "hub/store").mkdir(parents=True)
        made = self.run_program(self.local(commands("hub", "hub.yaml")[0]))
        self.assertEqual(made.returncode, 1)
        self.assertIn("restore", made.stderr)


class Rendered(unittest.TestCase):
    def test_our_own_rendering_is_kubectls(self):
        kubectl = programs() / "kubectl"
        with tempfile.TemporaryDirectory(prefix="lockstep-deploy-") as name:
            root = pathlib.Path(name)
            shutil.copytree(BASES, root / "bases")
            overlays = write_overlays(root)
            for folder in [*(root / "bases").iterdir(), *overlays]:
                theirs = subprocess.run([str(kubectl), "kustomize", str(folder)], capture_output=True, check=True).stdout
                ours = subprocess.run([str(BIN / "lockstep"), "render", str(folder)], capture_output=True, check=True).stdout
                self.assertEqual(ours, theirs, folder.name)
                self.assertIn(b"kind: ", ours)


class OnAServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = ApiServer()
        cls.addClassCleanup(cls.server.stop)
        cls.applied = {}
        cls.server.kubectl("create", "namespace", "shop")
        for base, flags in {"hub": (), "agent": (), "tenant": ("-n", "shop")}.items():
            cls.applied[base] = cls.server.run("apply", "--validate=strict", *flags, "-k", str(BASES / base))
        cls.server.kubectl("create", "rolebinding", "deployer", "-n", "shop", "--clusterrole=cluster-admin",
                           "--serviceaccount=shop:deployer")
        # The authorizer hears of new bindings a moment later.
        for user, right in ((AGENT, ("get", "namespaces/kube-system")), (AGENT, ("impersonate", "serviceaccounts/deployer")),
                            (AGENT, ("patch", "secrets/lockstep-identity", "-n", "lockstep-agent")),
                            (DEPLOYER, ("create", "configmaps"))):
            deadline = time.monotonic() + 60
            while cls.server.run("auth", "can-i", "-n", "shop", *right, f"--as={user}").returncode != 0:
                if time.monotonic() > deadline:
                    raise AssertionError(f"{user} has no right to {' '.join(right)}: {cls.applied}")

    def test_it_is_taken_without_a_warning(self):
        for base, done in self.applied.items():
            self.assertEqual((done.returncode, done.stderr), (0, ""), base)
            self.assertIn("created", done.stdout, base)

    def test_the_overlays_of_the_page_are_taken_too(self):
        with tempfile.TemporaryDirectory(prefix="lockstep-deploy-") as name:
            root = pathlib.Path(name)
            shutil.copytree(BASES, root / "bases")
            hub, agent = write_overlays(root)
            for overlay in (hub, agent):
                # Without what is there already: a StatefulSet's volumes cannot be changed.
                text = self.server.kubectl("kustomize", str(overlay)).replace("namespace: lockstep", "namespace: shop-lockstep")
                self.server.kubectl("create", "namespace", "shop-lockstep" + ("-agent" if overlay == agent else ""))
                done = self.server.run("apply", "--validate=strict", "--dry-run=server", "-f", "-", text=text)
                self.assertEqual((done.returncode, done.stderr), (0, ""), overlay.name)
                self.assertIn("emptyDir" if overlay == agent else "--allow-source=https://git.internal/", text)
            self.assertIn("type: LoadBalancer", self.server.kubectl("kustomize", str(hub)))

    def stateful_set(self, namespace, name):
        return json.loads(self.server.kubectl("get", "statefulset", name, "-n", namespace, "-o", "json"))["spec"]

    def create_pod(self, namespace, name, change=lambda spec: None):
        """Tries a pod as the StatefulSet's controller would make it."""
        made_from = self.stateful_set(namespace, name)
        spec = made_from["template"]["spec"]
        spec["volumes"] = [{"name": claim["metadata"]["name"], "persistentVolumeClaim": {"claimName": "claim"}}
                           for claim in made_from["volumeClaimTemplates"]]
        change(spec)
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod", "namespace": namespace}, "spec": spec}
        return self.server.run("create", "--dry-run=server", "-f", "-", text=json.dumps(pod))

    def test_their_pods_pass_restricted(self):
        for namespace, name in STATEFUL_SETS:
            done = self.create_pod(namespace, name)
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)

    def test_their_containers_have_a_read_only_root_and_a_limit(self):
        for namespace, name in STATEFUL_SETS:
            spec = self.stateful_set(namespace, name)["template"]["spec"]
            for container in [*spec.get("initContainers", []), *spec["containers"]]:
                self.assertTrue(container["securityContext"]["readOnlyRootFilesystem"], container["name"])
                self.assertIn("memory", container["resources"]["limits"], container["name"])

    def test_the_namespace_enforces_it(self):
        def loosen(spec):
            del spec["containers"][0]["securityContext"]["allowPrivilegeEscalation"]

        for namespace, name in STATEFUL_SETS:
            done = self.create_pod(namespace, name, loosen)
            self.assertNotEqual(done.returncode, 0, name)
            self.assertIn('violates PodSecurity "restricted', done.stderr)

    def rights(self, user, namespace):
        listed = self.server.kubectl("auth", "can-i", "--list", "-n", namespace, f"--as={user}")
        return {re.sub(r"  +", "  ", line).strip() for line in listed.splitlines()[1:]}

    def test_D4_the_agent_has_these_rights_and_no_others(self):
        text = "# What the agent may do beyond what every account may, by namespace. LOCKSTEP_UPDATE_GOLDEN=1 writes it.\n"
        for namespace in ("kube-system", "default", "lockstep", "lockstep-agent", "shop"):
            more = self.rights(AGENT, namespace) - self.rights("system:serviceaccount:default:nobody", namespace)
            text += f"\n{namespace}\n" + "".join(f"    {line}\n" for line in sorted(more))
        if os.environ.get("LOCKSTEP_UPDATE_GOLDEN"):
            RIGHTS.write_text(text)
        self.assertEqual(text, RIGHTS.read_text())

    def test_D4_the_hub_has_no_rights(self):
        for namespace in ("default", "lockstep"):
            self.assertEqual(self.rights("system:serviceaccount:lockstep:lockstep-hub", namespace),
                             self.rights("system:serviceaccount:default:nobody", namespace))

    def test_A47_the_agents_own_token_reaches_tenants_accounts_only(self):
        token = self.server.kubectl("create", "token", "lockstep-agent", "-n", "lockstep-agent").strip()
        as_agent = self.kubectl_of_agent(token)
        self.server.kubectl("create", "namespace", "other")
        self.server.kubectl("create", "serviceaccount", "deployer", "-n", "other")
        deployer = f"--as={DEPLOYER}"
        self.assertEqual(as_agent("get", "namespace", "kube-system", "-o", "name").returncode, 0)
        self.assertEqual(as_agent("get", "secret", "lockstep-identity", "-n", "lockstep-agent").returncode, 0)
        made = as_agent("create", "configmap", "mine", "-n", "shop", deployer)
        self.assertEqual((made.returncode, made.stderr), (0, ""))
        for refused in (("create", "configmap", "mine", "-n", "other", deployer),
                        ("get", "configmap", "-n", "shop"),
                        ("get", "configmap", "-n", "shop", "--as=system:serviceaccount:shop:default"),
                        ("get", "configmap", "-n", "other", "--as=system:serviceaccount:other:deployer"),
                        ("get", "configmap", "-n", "shop", "--as=admin"),
                        ("get", "configmap", "-n", "shop", deployer, "--as-group=system:masters"),
                        ("get", "secret", "-n", "lockstep-agent"),
                        ("get", "secret", "lockstep-join", "-n", "lockstep-agent"),
                        ("delete", "secret", "lockstep-identity", "-n", "lockstep-agent"),
                        ("get", "namespace", "shop")):
            done = as_agent(*refused)
            self.assertEqual(done.returncode, 1, refused)
            self.assertIn("orbidden", done.stderr, refused)

    def test_an_upgrade_leaves_the_identity_alone(self):
        self.server.kubectl("patch", "secret", "lockstep-identity", "-n", "lockstep-agent", "--type=merge", "-p",
                            '{"data": {"identity.pem": "a2V5"}}')
        for flags in ((), ("--server-side", "--force-conflicts")):
            self.server.kubectl("apply", *flags, "-k", str(BASES / "agent"))
            kept = self.server.kubectl("get", "secret", "lockstep-identity", "-n", "lockstep-agent", "-o", "jsonpath={.data}")
            self.assertEqual(kept, '{"identity.pem":"a2V5"}', flags)

    def kubectl_of_agent(self, token):
        """kubectl with the agent's token and nothing else."""
        config = self.server.directory / "agent-kubeconfig"
        shutil.copy(self.server.directory / "kubeconfig", config)
        base = [str(self.server.programs / "kubectl"), "--kubeconfig", str(config), "--cache-dir", str(self.server.directory / "agent")]
        subprocess.run([*base, "config", "set-credentials", "agent", f"--token={token}"], check=True, capture_output=True)
        subprocess.run([*base, "config", "set-context", "agent", "--cluster=c", "--user=agent"], check=True, capture_output=True)
        return lambda *arguments: subprocess.run([*base, "--context", "agent", *arguments], capture_output=True, text=True, check=False)


if __name__ == "__main__":
    unittest.main(verbosity=2)
