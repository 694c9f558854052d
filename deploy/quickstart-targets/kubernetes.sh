# Clusters that are real Kubernetes API servers (tests/kube/README.md). Sourced by deploy/quickstart, which says what each
# function is for. Each agent has the rights of deploy/kubernetes/agent, by the token of that base's account.
# shellcheck shell=bash

kind="a Kubernetes API server and its agent"
web=apis/apps/v1/namespaces/shop/deployments/web
policy=apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/default-deny

find_programs() {
  [ ! -x "${KUBEBUILDER_ASSETS:-}/kube-apiserver" ] || return 0
  export KUBEBUILDER_ASSETS=$root/build/kube
  [ ! -x "$KUBEBUILDER_ASSETS/kube-apiserver" ] || return 0
  if ! go version 2>/dev/null | grep -qE 'go1\.(2[6-9]|[3-9][0-9])'; then
    fail_early "there is no kube-apiserver in build/kube, and no Go 1.26 to build one; install Go, or name a folder with kube-apiserver," \
      "etcd and kubectl in KUBEBUILDER_ASSETS"
  fi
  echo "building a Kubernetes API server from Go modules; some ten minutes, once"
  tests/kube/build.sh "$KUBEBUILDER_ASSETS"
}

kubectl() {  # CLUSTER ARGUMENT...: as the cluster's admin
  local cluster=$1
  shift
  "$KUBEBUILDER_ASSETS/kubectl" --kubeconfig "$dir/kube/$cluster/kubeconfig" --cache-dir "$dir/kube/$cluster/cache" "$@"
}

# What a cluster's own people do once: install the agent and give an account to the applications.
install() {  # CLUSTER
  local agent=system:serviceaccount:lockstep-agent:lockstep-agent deployer=system:serviceaccount:default:deployer
  kubectl "$1" apply -k deploy/kubernetes/agent &&
    kubectl "$1" apply -n default -k deploy/kubernetes/tenant &&
    kubectl "$1" create clusterrole deployer --verb=get,list,watch,create,patch,delete \
      --resource=namespaces,resourcequotas,limitranges,configmaps,services,deployments.apps,networkpolicies.networking.k8s.io &&
    kubectl "$1" create clusterrolebinding deployer --clusterrole=deployer --serviceaccount=default:deployer &&
    # The server acts by new bindings a moment later.
    until_true kubectl "$1" auth can-i impersonate serviceaccounts/deployer -n default --as=$agent &&
    until_true kubectl "$1" auth can-i create deployments.apps -n shop --as=$deployer &&
    agent_kubeconfig "$1" "$(kubectl "$1" create token lockstep-agent -n lockstep-agent --duration=24h)"
}

# There is no kubelet that would run the agent's pod: the agent runs beside, as who it would be there.
agent_kubeconfig() {  # CLUSTER TOKEN
  local file=$dir/kube/$1/agent-kubeconfig
  cp "$dir/kube/$1/kubeconfig" "$file" &&
    "$KUBEBUILDER_ASSETS/kubectl" --kubeconfig "$file" config set-credentials agent --token="$2" &&
    "$KUBEBUILDER_ASSETS/kubectl" --kubeconfig "$file" config set-context agent --cluster=c --user=agent \
      --namespace=lockstep-agent
}

start_clusters() {
  local cluster etcd=
  mkdir -p "$dir/kube"
  for cluster in "${clusters[@]}"; do
    started_clusters+=("$cluster")
    ETCD_URL=$etcd tests/kube/start.sh "$dir/kube/$cluster" >>"$dir/log/kube-$cluster.log" 2>&1 ||
      fail "kube-apiserver of $cluster; see $dir/log/kube-$cluster.log"
    etcd=$(cat "$dir/kube/$cluster/etcd.url")  # The first one's serves all.
    install "$cluster" >>"$dir/log/kube-$cluster.log" 2>&1 || fail "installing on $cluster; see $dir/log/kube-$cluster.log"
  done
}
end_clusters() {
  local i
  for ((i = ${#started_clusters[@]} - 1; i >= 0; i--)); do tests/kube/stop.sh "$dir/kube/${started_clusters[$i]}"; done
}
started_clusters=()

is_in_use() {
  local file
  for file in "$dir"/kube/*/*.pid; do
    [ ! -e "$file" ] || [ "$(readlink "/proc/$(cat "$file")/cwd")" != "$(cd -P "${file%/*}" && pwd)" ] || return 0
  done
  return 1
}

target_flags() { flags=(--target kubernetes --kubeconfig "$dir/kube/$1/agent-kubeconfig" --context agent --identity-secret lockstep-identity); }

ask() {  # CLUSTER PATH CURL_FLAG...: as the admin, whose token is "admin"
  local cluster=$1 path=$2
  shift 2
  curl -sS --noproxy '*' --cacert "$dir/kube/$cluster/certs/apiserver.crt" -H "Authorization: Bearer admin" "$@" \
    "$(sed -n 's/.*server: "\(.*\)", .*/\1/p' "$dir/kube/$cluster/kubeconfig")/$path"
}
holds() { ask "$1" "$2" -f | grep -qF "$3"; }
lacks() { [ "$(ask "$1" "$2" -o /dev/null -w '%{http_code}')" = 404 ]; }

edit() {
  edited=("$1" "$2")
  kubectl "$1" scale -n shop deployment/web --replicas=1 >/dev/null
}
is_put_back() { ask "${edited[@]}" -f | grep -qE '"replicas": ?3\b'; }

look_around() { echo "   $KUBEBUILDER_ASSETS/kubectl --kubeconfig $dir/kube/eu-1/kubeconfig get all -n shop --show-labels"; }
