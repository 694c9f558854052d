#!/usr/bin/env python3
"""Makes the table of merge keys that the renderer carries, from Kubernetes' published OpenAPI description.

    generate.py SWAGGER.json > kubernetes-1.21.2.txt

SWAGGER.json is api/openapi-spec/swagger.json of kubernetes/kubernetes at tag v1.21.2, for example out of the Go module:

    go mod download -json k8s.io/kubernetes@v1.21.2      # "Dir" says where it lies

1.21.2 is what kustomize 5.8.1 has built in; its copy was asked of a running server, which serves no alpha versions, so
these are left out here. Checked: the two descriptions then agree in every definition.

The table holds one line per type, numbered from 0 in order:

    type FIELD=NUMBER ... [*=NUMBER]        a mapping; * are the fields without a name of their own
    list KEY,KEY NUMBER|-                   a list whose elements are merged, by KEYs (- for scalars) and their type

and then, sorted, one line per resource type:

    kind APIVERSION KIND NUMBER

A mapping's fields are those that are mappings themselves or merged lists; below all others nothing is ever merged.
"""
import json
import sys

MAP_KEYS = "x-kubernetes-list-map-keys"
MERGE_KEY = "x-kubernetes-patch-merge-key"
STRATEGY = "x-kubernetes-patch-strategy"
GVK = "x-kubernetes-group-version-kind"


def is_served(name):
    return ".v1alpha" not in name and name != "io.k8s.api.core.v1.EphemeralContainers"


class Table:
    def __init__(self, definitions):
        self.definitions = definitions
        self.lines = []
        self.numbers = {}  # By definition name, or by content for what has none.

    def reserve(self, key):
        self.numbers[key] = len(self.lines)
        self.lines.append(None)
        return self.numbers[key]

    def of_schema(self, schema):
        """The number of a schema's type, or None for scalars and lists that are replaced."""
        if "$ref" in schema:
            name = schema["$ref"].removeprefix("#/definitions/")
            if name not in self.definitions:
                return None
            if name in self.numbers:
                return self.numbers[name]
            if not self.is_mapping(self.definitions[name]):
                return None
            return self.fill(self.reserve(name), self.definitions[name])
        if "merge" in schema.get(STRATEGY, "").split(","):
            keys = schema.get(MAP_KEYS) or ([schema[MERGE_KEY]] if MERGE_KEY in schema else [])
            element = self.of_schema(schema["items"])
            return self.add(f"list {','.join(keys) or '-'} {'-' if element is None else element}")
        if self.is_mapping(schema):
            key = json.dumps(schema, sort_keys=True)
            return self.numbers[key] if key in self.numbers else self.fill(self.reserve(key), schema)
        return None

    @staticmethod
    def is_mapping(schema):
        return schema.get("type", "object") == "object"

    def add(self, line):
        if line not in self.numbers:
            self.numbers[line] = len(self.lines)
            self.lines.append(line)
        return self.numbers[line]

    def fill(self, number, schema):
        fields = []
        for name, field in sorted(schema.get("properties", {}).items()):
            target = self.of_schema(field)
            if target is not None:
                fields.append(f"{name}={target}")
        if isinstance(schema.get("additionalProperties"), dict):
            target = self.of_schema(schema["additionalProperties"])
            if target is not None:
                fields.append(f"*={target}")
        self.lines[number] = " ".join(["type"] + fields)
        return number


def main():
    definitions = json.load(open(sys.argv[1]))["definitions"]
    definitions = {name: schema for name, schema in definitions.items() if is_served(name)}
    table = Table(definitions)
    kinds = []
    for name, schema in sorted(definitions.items()):
        for gvk in schema.get(GVK, []):
            if gvk["kind"] in ("DeleteOptions", "WatchEvent"):
                continue  # Never stand in a file, in 90 groups each.
            version = f"{gvk['group']}/{gvk['version']}" if gvk["group"] else gvk["version"]
            kinds.append(f"kind {version} {gvk['kind']} {table.of_schema({'$ref': '#/definitions/' + name})}")
    print("# Kubernetes 1.21.2, made by generate.py; do not edit.")
    print("\n".join(table.lines + sorted(kinds)))


if __name__ == "__main__":
    main()
