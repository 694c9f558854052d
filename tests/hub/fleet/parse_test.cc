#include "hub/fleet/parse.h"

#include <string>
#include <variant>

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

ParsedResources Parse(absl::string_view content) {
  return ParseResources({{"f.yaml", std::string(content)}});
}

// The one resource of a document that must be right.
template <typename T>
T One(absl::string_view content) {
  const ParsedResources parsed = Parse(content);
  EXPECT_THAT(parsed.errors, IsEmpty());
  if (parsed.resources.size() != 1 || !std::holds_alternative<T>(parsed.resources[0].resource)) {
    ADD_FAILURE() << "not one " << KindName(T::kKind);
    return {};
  }
  return std::get<T>(parsed.resources[0].resource);
}

// The lines of an Application whose spec has these lines beside what is required.
std::string App(absl::string_view spec_lines) {
  return absl::StrCat(
      "apiVersion: lockstep.dev/v1\nkind: Application\nmetadata: {name: web}\nspec:\n  sourceRef: "
      "{kind: GitRepository, name: fleet}\n  placement: {selector: {}}\n",
      spec_lines);
}

std::string Repository(absl::string_view spec_lines) {
  return absl::StrCat(
      "apiVersion: lockstep.dev/v1\nkind: GitRepository\nmetadata: {name: fleet}\nspec:\n",
      spec_lines);
}

std::string ClusterNamed(absl::string_view name) {
  return absl::StrCat("apiVersion: lockstep.dev/v1\nkind: Cluster\nmetadata: {name: ", name, "}\n");
}

TEST(ParseResources, FillsInEveryDefault) {
  const Application app = One<Application>(App(""));
  EXPECT_EQ(app.meta.namespace_, "default");
  EXPECT_EQ(app.spec.source, (NamespacedName{"default", "fleet"}));
  EXPECT_EQ(app.spec.path.text(), "");
  EXPECT_EQ(app.spec.missing_path, MissingPath::kError);
  EXPECT_EQ(app.spec.default_namespace, "default");
  EXPECT_EQ(app.spec.interval, absl::Minutes(10));
  EXPECT_TRUE(app.spec.prune);
  EXPECT_EQ(app.spec.deletion_policy, DeletionPolicy::kOrphan);
  EXPECT_FALSE(app.spec.suspend);
  const GitRepository repository = One<GitRepository>(Repository("  url: https://h/p.git\n"));
  EXPECT_EQ(repository.spec.interval, absl::Minutes(1));
  EXPECT_EQ(repository.spec.timeout, absl::Seconds(60));
  EXPECT_EQ(repository.spec.ref, GitRef());
  EXPECT_EQ(repository.spec.secret, "");
  EXPECT_FALSE(repository.spec.ignore.has_value());
}

TEST(ParseResources, ReadsEveryField) {
  const Application app = One<Application>(R"(
apiVersion: lockstep.dev/v1
kind: Application
metadata: {name: web, namespace: shop, labels: {team: checkout}, annotations: {note: some text}}
spec:
  sourceRef: {kind: GitRepository, name: fleet, namespace: git}
  path: apps/web/${cluster.name}
  missingPath: skip
  placement:
    clusters: [eu-2, eu-1, eu-1]
    selector:
      matchLabels: {env: prod}
      matchExpressions: [{key: region, operator: NotIn, values: [eu, us]}]
  defaultNamespace: shop
  interval: 1h30m
  prune: false
  deletionPolicy: Delete
  suspend: true
)");
  EXPECT_EQ(app.meta.labels, (Labels{{"team", "checkout"}}));
  EXPECT_EQ(app.meta.annotations.at("note"), "some text");
  EXPECT_EQ(app.spec.source, (NamespacedName{"git", "fleet"}));
  EXPECT_EQ(app.spec.path.text(), "apps/web/${cluster.name}");
  EXPECT_EQ(app.spec.missing_path, MissingPath::kSkip);
  EXPECT_THAT(app.spec.placement.clusters, ElementsAre("eu-1", "eu-2"));
  EXPECT_EQ(app.spec.placement.selector->match_labels, (Labels{{"env", "prod"}}));
  EXPECT_EQ(app.spec.placement.selector->match_expressions[0],
            (LabelRequirement{"region", LabelRequirement::Operator::kNotIn, {"eu", "us"}}));
  EXPECT_EQ(app.spec.default_namespace, "shop");
  EXPECT_EQ(app.spec.interval, absl::Minutes(90));
  EXPECT_FALSE(app.spec.prune);
  EXPECT_EQ(app.spec.deletion_policy, DeletionPolicy::kDelete);
  EXPECT_TRUE(app.spec.suspend);

  const GitRepository repository = One<GitRepository>(
      Repository("  url: git@host:p.git\n  ref: {branch: main, commit: "
                 "4f2c1e9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e}\n  interval: 5s\n  timeout: 2m\n  "
                 "secretRef: {name: key}\n  ignore: |\n    /docs/\n"));
  EXPECT_EQ(repository.spec.ref.branch, "main");
  EXPECT_EQ(repository.spec.ref.commit, "4f2c1e9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e");
  EXPECT_EQ(repository.spec.secret, "key");
  EXPECT_EQ(*repository.spec.ignore, "/docs/\n");

  const Secret secret = One<Secret>(
      "apiVersion: lockstep.dev/v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: aGk=, b: "
      "eA==}\nstringData: {b: plain}\n");
  EXPECT_EQ(secret.data.values, (std::map<std::string, std::string>{{"a", "hi"}, {"b", "plain"}}));
}

// Every message that a person can get, as text.
TEST(ParseResources, SaysWhatIsWrongWhereAndWhatToDo) {
  const std::string head = "apiVersion: lockstep.dev/v1\nkind: ";
  const struct {
    std::string content;
    const char* want;
  } kRows[] = {
      {"- a\n", "f.yaml:1:1: the document is a list, not a resource with apiVersion and kind"},
      {"kind: Cluster\n", "f.yaml:1:1: apiVersion: is required"},
      {"apiVersion: 1\n", "f.yaml:1:13: apiVersion: is required"},
      {"apiVersion: lockstep.dev/v1\n", "f.yaml:1:1: kind: is required"},
      {"apiVersion: v1\nkind: Secret\n",
       "f.yaml:1:13: apiVersion: is \"v1\"; resources of the hub are lockstep.dev/v1; manifests "
       "for clusters belong into a repository"},
      {"apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n",
       "f.yaml:2:7: kind: Kustomization: Flux's own manifests are taken with Kustomize, which is "
       "not built yet; write a GitRepository and an Application of lockstep.dev/v1"},
      {head + "RolloutPlan\n", "f.yaml:2:7: kind: RolloutPlan: this kind is not built yet"},
      {head + "Aplication\n",
       "f.yaml:2:7: kind: unknown kind \"Aplication\"; did you mean Application?"},
      {head + "Banana\n",
       "f.yaml:2:7: kind: unknown kind \"Banana\"; use GitRepository, Application, Cluster or "
       "Secret"},
      {head + "Cluster\n", "f.yaml:1:1: metadata.name: is required"},
      {head + "Cluster\nmetadata: x\n", "f.yaml:3:11: metadata: is text, not a mapping"},
      {head + "Cluster\nmetadata: {name: 5}\n",
       "f.yaml:3:18: metadata.name: is an integer, not text; quote it"},
      {head + "Cluster\nmetadata: {name: a, namespace: b}\n",
       "f.yaml:3:32: metadata.namespace: a Cluster has none; leave it out"},
      {head + "Cluster\nmetadata: {name: a, lables: {}}\n",
       "f.yaml:3:29: metadata.lables: unknown field; did you mean \"labels\"?"},
      {head + "Cluster\nmetadata: {name: a, labels: {lockstep.dev/x: z}}\n",
       "f.yaml:3:46: metadata.labels[lockstep.dev/x]: lockstep.dev/ is the hub's own prefix; "
       "choose another"},
      {head + "Cluster\nmetadata: {name: a, labels: {x: true}}\n",
       "f.yaml:3:33: metadata.labels[x]: is a boolean, not text; quote it"},
      {head + "Cluster\nmetadata: {name: a, labels: {x: a/b}}\n",
       "f.yaml:3:33: metadata.labels[x]: label value \"a/b\" may hold only letters, digits, '-', "
       "'_' and '.'"},
      {head + "Cluster\nmetadata: {name: a}\nspec: {suspend: maybe}\n",
       "f.yaml:4:17: spec.suspend: is text, not true or false"},
      {head + "Cluster\nmetadata: {name: a}\nspecs: {}\n",
       "f.yaml:4:8: specs: unknown field; did you mean \"spec\"?"},
      {App("  intervall: 5m\n"),
       "f.yaml:7:14: spec.intervall: unknown field; did you mean \"interval\"?"},
      {App("  source_ref: {}\n"),
       "f.yaml:7:15: spec.source_ref: unknown field; did you mean \"sourceRef\"?"},
      {App("  status: 1\n"), "f.yaml:7:11: spec.status: unknown field; remove it"},
      {App("  zzz: 1\n"), "f.yaml:7:8: spec.zzz: unknown field; remove it"},
      {App("  wait: true\n"),
       "f.yaml:7:9: spec.wait: comes with a later part of the Kubernetes target; leave it "
       "out"},
      {App("  patches: []\n"),
       "f.yaml:7:12: spec.patches: comes with Kustomize, which is not built yet; leave it out"},
      {App("  missingPath: skp\n"),
       "f.yaml:7:16: spec.missingPath: is \"skp\"; it is one of error, skip; did you mean skip?"},
      {App("  deletionPolicy: orphan\n"),
       "f.yaml:7:19: spec.deletionPolicy: is \"orphan\"; it is one of Orphan, Delete; did you mean "
       "Orphan?"},
      {App("  path: ../x\n"),
       "f.yaml:7:9: spec.path: path \"../x\" holds \"..\"; it must stay inside the repository"},
      {App("  path: a/${cluster.nam}\n"),
       "f.yaml:7:9: spec.path: path \"a/${cluster.nam}\" has the unknown placeholder "
       "${cluster.nam}; did you mean ${cluster.name}?"},
      {App("  defaultNamespace: A\n"),
       "f.yaml:7:21: spec.defaultNamespace: \"A\" may hold only a-z, 0-9 and '-'"},
      {App("  interval: 5\n"),
       "f.yaml:7:13: spec.interval: is an integer, not a duration such as \"30s\" or \"1h30m\""},
      {App("  interval: -1s\n"),
       "f.yaml:7:13: spec.interval: is -1s; it must be between 5s and 8760h"},
      {App("  prune: \"yes\"\n"), "f.yaml:7:10: spec.prune: is text, not true or false"},
      {head +
           "Application\nmetadata: {name: a}\nspec: {sourceRef: {kind: GitRepository, name: f}}\n",
       "f.yaml:4:7: spec.placement: is required: clusters, a selector, or both"},
      {head + "Application\nmetadata: {name: a}\nspec: {placement: {selector: {}}}\n",
       "f.yaml:4:7: spec.sourceRef: is required"},
      {head + "Application\nmetadata: {name: a}\nspec: {sourceRef: {kind: GitRepository, name: f}, "
              "placement: {}}\n",
       "f.yaml:4:62: spec.placement: names no cluster and has no selector; selector: {} selects "
       "all"},
      {head + "Application\nmetadata: {name: a}\nspec: {sourceRef: {kind: Bucket, name: f}, "
              "placement: {selector: {}}}\n",
       "f.yaml:4:26: spec.sourceRef.kind: Bucket is not built yet; use a GitRepository"},
      {head + "Application\nmetadata: {name: a}\nspec: {sourceRef: {kind: GitRepository}, "
              "placement: {clusters: [A]}}\n",
       "f.yaml:4:19: spec.sourceRef.name: is required\nf.yaml:4:65: spec.placement.clusters[0]: "
       "\"A\" may hold only a-z, 0-9 and '-'"},
      {head + "Application\nmetadata: {name: a}\nspec:\n  sourceRef: {kind: GitRepository, name: "
              "f}\n  placement:\n    selector:\n      matchExpressions: [{key: a, operator: in, "
              "values: [x]}]\n",
       "f.yaml:8:45: spec.placement.selector.matchExpressions[0].operator: is \"in\"; it is one of "
       "In, NotIn, Exists, DoesNotExist; did you mean In?"},
      {head + "Application\nmetadata: {name: a}\nspec:\n  sourceRef: {kind: GitRepository, name: "
              "f}\n  placement:\n    selector:\n      matchExpressions: [{key: a, operator: In}]\n",
       "f.yaml:8:26: spec.placement.selector.matchExpressions[0].values: needs one at least for "
       "In"},
      {Repository("  interval: 1m\n"), "f.yaml:5:3: spec.url: is required"},
      {Repository("  url: ftp://h/p\n"),
       "f.yaml:5:8: spec.url: the repository's URL \"ftp://h/p\": its scheme is not one of https, "
       "ssh, http, file"},
      {Repository("  url: https://me:secret@h/p\n"),
       "f.yaml:5:8: spec.url: the repository's URL \"https://***@h/p\": it holds a user or "
       "password; put them into a Secret and name it in spec.secretRef"},
      {Repository("  url: https://h/p\n  ref: {branch: a, tag: b}\n"),
       "f.yaml:6:8: spec.ref: names more than one of branch, tag, semver and name; keep one"},
      {Repository("  url: https://h/p\n  ref: {commit: 4f2c1e9}\n"),
       "f.yaml:6:17: spec.ref.commit: \"4f2c1e9\": this is not the whole id of a commit: 40 "
       "lower-case hex digits"},
      {Repository("  url: https://h/p\n  ref: {name: main}\n"),
       "f.yaml:6:15: spec.ref.name: \"main\": this is no full name of a ref; write it as "
       "refs/heads/main"},
      {Repository("  url: https://h/p\n  ref: {branch: refs/heads/main}\n"),
       "f.yaml:6:17: spec.ref.branch: \"refs/heads/main\": this is a full name; put it into "
       "spec.ref.name, or leave out refs/heads/"},
      {Repository("  url: https://h/p\n  ref: {commit: 4f2c1e9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e, "
                  "tag: v1}\n"),
       "f.yaml:6:17: spec.ref.commit: may stand beside branch or name, not beside tag or semver"},
      {Repository("  url: https://h/p\n  verify: {}\n"),
       "f.yaml:6:11: spec.verify: verification of signatures is not built yet; leave it out"},
      {Repository("  url: https://h/p\n  secretRef: {}\n"),
       "f.yaml:6:14: spec.secretRef.name: is required"},
      {head + "Secret\nmetadata: {name: s}\ntype: Opaque\n",
       "f.yaml:4:7: type: is of Kubernetes' Secrets; this one is the hub's own: leave it out"},
      {head + "Secret\nmetadata: {name: s}\nstringData: {a/b: c}\n",
       "f.yaml:4:19: stringData[a/b]: a key is 1 to 253 letters, digits, '-', '_' and '.'"},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(std::string(Parse(row.content).status().message()), row.want);
  }
}

TEST(ParseResources, SaysAllThatIsWrongWithADocumentAtOnce) {
  EXPECT_THAT(
      Parse(App("  interval: -1s\n  prune: 1\n  missingPath: skp\n  zzz: 1\n")).errors,
      ElementsAre(HasSubstr("spec.prune: is an integer"), HasSubstr("spec.zzz: unknown"),
                  HasSubstr("spec.missingPath: is \"skp\""), HasSubstr("spec.interval: is -1s")));
  // What a wrong type hides is not called missing.
  EXPECT_THAT(Parse(Repository("  url: 5\n  interval: 1s\n")).errors,
              ElementsAre(HasSubstr("spec.url: is an integer"), HasSubstr("spec.interval: is 1s")));
  EXPECT_THAT(
      Parse("apiVersion: lockstep.dev/v1\nkind: Application\nmetadata: {name: a}\nspec: x").errors,
      ElementsAre(HasSubstr("spec: is text")));
}

TEST(ParseResources, RefusesAnSshKeyThatCannotSignIn) {
  const std::string secret = "apiVersion: lockstep.dev/v1\nkind: Secret\nmetadata: {name: s}\n";
  EXPECT_THAT(
      Parse(secret + "stringData:\n  identity: |\n    -----BEGIN RSA PRIVATE KEY-----\n    QUJD\n"
                     "    -----END RSA PRIVATE KEY-----\n")
          .errors,
      ElementsAre("f.yaml:5:13: stringData[identity]: RSA keys are signed with SHA-1 here, which "
                  "today's SSH servers refuse; make one with ssh-keygen -t ed25519"));
  EXPECT_THAT(Parse(secret + "stringData: {identity: /home/me/.ssh/id_ed25519}\n").errors,
              ElementsAre(HasSubstr("stringData[identity]: this is no private key")));
}

TEST(ParseResources, NeverShowsASecretsValue) {
  const ParsedResources parsed = Parse(
      "apiVersion: lockstep.dev/v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: "
      "hunter2!}\nstringData: {b: [hunter2]}\n");
  EXPECT_THAT(parsed.errors,
              ElementsAre("f.yaml:4:11: data[a]: is no base64; stringData takes plain text",
                          "f.yaml:5:17: stringData[b]: is a list, not text; quote it"));
}

TEST(ParseResources, ReadsOverWhatTheHubSets) {
  const Cluster cluster = One<Cluster>(R"(
apiVersion: lockstep.dev/v1
kind: Cluster
metadata: {name: eu-1, uid: 5, generation: 7, creationTimestamp: "2026-01-01T00:00:00Z", managedFields: [], resourceVersion: "1"}
spec: {suspend: true}
status: {state: Synced, anything: [at, all]}
)");
  EXPECT_EQ(cluster.meta.uid, "");
  EXPECT_EQ(cluster.meta.generation, 0);
  EXPECT_TRUE(cluster.spec.suspend);
}

TEST(ParseResources, ReadsListsAndManyDocuments) {
  const ParsedResources parsed =
      Parse(absl::StrCat("---\n", ClusterNamed("a"),
                         "---\n---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: "
                         "lockstep.dev/v1, kind: Cluster, metadata: {name: b}}\n"));
  ASSERT_OK(parsed.status());
  ASSERT_THAT(parsed.resources, SizeIs(2));
  EXPECT_EQ(KeyOf(parsed.resources[1].resource).ToString(), "Cluster b");
  EXPECT_EQ(parsed.resources[1].place.line, 10u);
}

TEST(ParseResources, GivesTheCallersNamespace) {
  const ParsedResources parsed = ParseResources({{"f.yaml", App("")}}, "shop");
  ASSERT_THAT(parsed.resources, SizeIs(1));
  const Application& app = std::get<Application>(parsed.resources[0].resource);
  EXPECT_EQ(app.meta.namespace_, "shop");
  EXPECT_EQ(app.spec.source.namespace_, "shop");
  EXPECT_EQ(app.spec.default_namespace, "default");
}

TEST(ParseResources, RefusesOneResourceTwice) {
  const ParsedResources parsed =
      ParseResources({{"a.yaml", ClusterNamed("x")}, {"b.yaml", ClusterNamed("x")}});
  EXPECT_THAT(parsed.errors, ElementsAre("b.yaml:1:1: Cluster x is also at a.yaml:1:1; keep one"));
  EXPECT_THAT(parsed.bad_files, ElementsAre("b.yaml"));
}

TEST(ParseResources, A57OneRuleForNamesOfEveryKind) {
  for (const std::string& name : {std::string(64, 'x'), std::string("Web"), std::string("a.b"),
                                  std::string("a/b"), std::string("ü"), std::string("..")}) {
    EXPECT_FALSE(Parse(ClusterNamed(name)).status().ok()) << name;
  }
  EXPECT_OK(Parse(ClusterNamed(std::string(63, 'x'))).status());
  // One name that begins another is another name.
  EXPECT_OK(Parse(absl::StrCat(ClusterNamed("eu-1"), "---\n", ClusterNamed("eu-10"))).status());
}

TEST(ParseResources, A01RefusesPathsThatLeaveTheRepository) {
  for (const char* path : {"..", "a/../../b", "/etc", "%2e%2e", "a\\\\b", "file:///etc", "a\\0b"}) {
    EXPECT_THAT(Parse(App(absl::StrCat("  path: \"", path, "\"\n"))).status(),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("f.yaml:7:9: ")))
        << path;
  }
}

TEST(ParseResources, A90OneBadApplicationStopsNoneOfTheOthers) {
  std::vector<ResourceFile> files;
  for (int i = 0; i < 1000; ++i) {
    std::string content = App(i == 500 ? "  interval: -1s\n" : "");
    content.replace(content.find("web"), 3, absl::StrCat("app-", i));
    files.push_back({absl::StrCat("app-", i, ".yaml"), content});
  }
  const ParsedResources parsed = ParseResources(files);
  EXPECT_THAT(parsed.resources, SizeIs(999));
  EXPECT_THAT(parsed.bad_files, ElementsAre("app-500.yaml"));
  for (const char* interval :
       {"0s", "\"\"", "1ns", "-1h", "100000000h", "\"\\u00e9\"", "8761h", "4s"}) {
    EXPECT_THAT(Parse(App(absl::StrCat("  interval: ", interval, "\n"))).errors, SizeIs(1))
        << interval;
  }
}

TEST(ParseResources, KeepsTheOtherFilesOfAFileThatIsNoYaml) {
  const ParsedResources parsed =
      ParseResources({{"bad.yaml", "a: [b\n"}, {"good.yaml", ClusterNamed("x")}});
  EXPECT_THAT(parsed.resources, SizeIs(1));
  EXPECT_THAT(parsed.errors, ElementsAre(HasSubstr("bad.yaml:")));
  EXPECT_THAT(parsed.bad_files, ElementsAre("bad.yaml"));
}

}  // namespace
}  // namespace lockstep
