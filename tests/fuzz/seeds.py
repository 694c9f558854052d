#!/usr/bin/env python3
"""Writes the inputs that a fuzzing target begins with: seeds.py TARGET FOLDER.

From the conformance cases where they are (../shared/corpus/kustomize), and a few from this file.
"""
import hashlib
import json
import pathlib
import sys

CASES = pathlib.Path("../shared/corpus/kustomize")
INPUT_MAX = 8192

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  template:
    spec:
      containers:
      - name: web
        image: web:1
        ports: [{containerPort: 80, protocol: TCP}]
        env: [{name: A, value: "1"}]
"""
KUSTOMIZATION = """resources: [deployment.yaml]
namePrefix: a-
commonLabels: {team: x}
images: [{name: web, newTag: "2"}]
replicas: [{name: web, count: 3}]
configMapGenerator: [{name: c, literals: [a=b], files: [deployment.yaml]}]
patches:
- target: {kind: Deployment}
  patch: '[{op: replace, path: /spec/template/spec/containers/0/image, value: x}]'
replacements:
- source: {kind: Deployment, fieldPath: metadata.name}
  targets: [{select: {kind: ConfigMap}, fieldPaths: [data.a]}]
"""
OWN = {
    "yaml": [
        "a: &x {b: 1, <<: {c: 2}}\nd: *x\n",
        "- 0777\n- 1e3\n- yes\n- ~\n- 2001-01-01\n- !!binary aGk=\n- |\n  a\n   b\n- >-\n  c\n  d\n",
        "%YAML 1.1\n---\n\"\\u00e9\\x41\": 'it''s'\n...\n---\n? a\n: b\n",
    ],
    "kustomization": ["@@ kustomization.yaml\n" + KUSTOMIZATION + "@@ deployment.yaml\n" + DEPLOYMENT],
    "patch": [
        DEPLOYMENT + "@@\nspec:\n  template:\n    spec:\n      $setElementOrder/containers: [{name: b}, {name: web}]\n"
        "      containers:\n      - {name: b, image: b}\n      - {name: web, $patch: delete}\n",
        DEPLOYMENT + '@@\n[{"op": "add", "path": "/spec/template/spec/containers/-", "value": {"name": "c"}},\n'
        '{"op": "move", "from": "/metadata/labels", "path": "/metadata/annotations"},\n'
        '{"op": "test", "path": "/kind", "value": "Deployment"}, {"op": "copy", "from": "/spec", "path": "/a~1b"}]\n',
    ],
    "substitute": [
        "x: ${a} ${missing} $${a} $a ${cluster.name} ${cluster.labels.env}\n",
        "${a:-b} ${a:=b} ${a=b} ${empty:-${path##*/}} ${#umlaut} ${a^} ${a^^} ${a,} ${a,,}\n",
        "${a:1} ${a:1:2} ${path#*/} ${path##*/} ${path%.*} ${path%%.*} ${path/usr/opt} ${path//[a-l]/?} ${path/#\\//} ${path/%1/2}\n",
    ],
}


def files(case):
    """The files of a case below its folder, those of the built folder first, the kustomization at the head."""
    root = case / json.loads((case / "case.json").read_text())["root"]
    every = sorted(p for p in (case / "input").rglob("*") if p.is_file() and not p.is_symlink())
    order = lambda p: (p.parent != root, not p.name.lower().startswith("kustomization"), str(p))
    for path in sorted(every, key=order):
        try:
            yield str(path.relative_to(case)), path.read_text()
        except UnicodeDecodeError:
            pass


def from_case(target, case):
    tree = list(files(case))
    if target == "yaml":
        return [text for name, text in tree if name.endswith((".yaml", ".yml", ".json"))]
    if target == "kustomization":
        return ["".join(f"@@ {name}\n{text}\n" for name, text in tree)]
    if target == "patch":
        others = [text for name, text in tree if name.endswith((".yaml", ".yml", ".json")) and "kustomization" not in name.lower()]
        return [base + "\n@@\n" + patch for base in others[:3] for patch in others[:3] if base is not patch]
    return [text for _, text in tree if "${" in text]


def main():
    target, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    inputs = list(OWN[target])
    if CASES.is_dir():
        for case in sorted(CASES.glob("*/*/case.json")):
            inputs += from_case(target, case.parent)
    folder.mkdir(parents=True, exist_ok=True)
    for text in inputs:
        data = text.encode()
        if len(data) <= INPUT_MAX:
            (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)


main()
