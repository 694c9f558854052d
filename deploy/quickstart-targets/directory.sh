# Clusters that are directories, one file per object. Sourced by deploy/quickstart, which says what each function is for.
# shellcheck shell=bash

kind="an agent that keeps a directory"
web=shop/Deployment.apps/web.yaml
policy=shop/NetworkPolicy.networking.k8s.io/default-deny.yaml

start_clusters() { :; }
end_clusters() { :; }
is_in_use() { false; }
target_flags() { flags=(--target "directory:$dir/clusters/$1"); }
holds() { grep -qF "$3" "$dir/clusters/$1/$2"; }
lacks() { [ ! -e "$dir/clusters/$1/$2" ]; }

edit() {
  edited=$dir/clusters/$1/$2
  before=$(cat "$edited")
  printf '%s\n' "$before" "edited: by hand" >"$edited"
}
is_put_back() { [ "$(cat "$edited")" = "$before" ]; }

any_object() { (cd "$dir/clusters/$1" 2>/dev/null && find . -name '*.yaml' -not -path './.*' | sort | head -n 1 | cut -c3-) || true; }
look_around() { echo "   find $dir/clusters -name '*.yaml'"; }
