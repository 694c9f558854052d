#include <algorithm>
#include <map>
#include <ostream>
#include <set>

#include <CLI/CLI.hpp>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include "common/base/status.h"
#include "hub/cli/client.h"
#include "hub/cli/command.h"

namespace lockstep {
namespace {

struct GetFlags {
  std::string kind;
  std::string name;
  std::string selector;
  std::string cluster;
  bool watch = false;
};

std::string Age(const v1::ObjectMeta& meta, absl::Time now) {
  return ShortAge(now - TimeOf(meta.creation_timestamp()));
}

std::string ReadyOf(const google::protobuf::RepeatedPtrField<v1::Condition>& conditions) {
  for (const v1::Condition& condition : conditions) {
    if (condition.type() == "Ready") return condition.status();
  }
  return "Unknown";
}

std::string MessageOf(const google::protobuf::RepeatedPtrField<v1::Condition>& conditions) {
  for (const v1::Condition& condition : conditions) {
    if (condition.type() == "Ready" && condition.status() != "True")
      return ShortRevision(condition.message());
  }
  return "";
}

Table ApplicationTable(const std::vector<v1::Resource>& resources, absl::Time now) {
  Table table({"NAMESPACE", "NAME", "REVISION", "CLUSTERS", "READY", "STATE", "AGE", "MESSAGE"});
  for (const v1::Resource& resource : resources) {
    const v1::Application& app = resource.application();
    const v1::ApplicationStatus& status = app.status();
    table.AddRow({app.metadata().namespace_(), app.metadata().name(),
                  ShortRevision(status.revision()),
                  absl::StrCat(status.clusters_ready(), "/", status.clusters()),
                  ReadyOf(status.conditions()), status.state(), Age(app.metadata(), now),
                  MessageOf(status.conditions())});
  }
  return table;
}

// One row per application and cluster.
Table WideApplicationTable(const std::vector<v1::Resource>& resources, absl::Time now) {
  Table table({"NAMESPACE", "NAME", "CLUSTER", "STATE", "REVISION", "GENERATION", "OBJECTS", "HELD",
               "ORPHANS", "SEEN", "MESSAGE"});
  for (const v1::Resource& resource : resources) {
    const v1::Application& app = resource.application();
    for (const v1::ApplicationClusterStatus& at : app.status().per_cluster()) {
      const std::string generation =
          at.generation() == at.desired_generation()
              ? absl::StrCat(at.generation())
              : absl::StrCat(at.generation(), " of ", at.desired_generation());
      table.AddRow({app.metadata().namespace_(), app.metadata().name(), at.cluster(), at.state(),
                    ShortRevision(at.revision()), generation, absl::StrCat(at.objects()),
                    absl::StrCat(at.held_delete_count()), absl::StrCat(at.orphans()),
                    at.has_observed_at()
                        ? absl::StrCat(ShortAge(now - TimeOf(at.observed_at())), " ago")
                        : "never",
                    ShortRevision(at.message())});
    }
  }
  return table;
}

Table RepositoryTable(const std::vector<v1::Resource>& resources, absl::Time now, bool wide) {
  std::vector<std::string> headers = {"NAMESPACE", "NAME",    "REVISION", "READY",
                                      "STATE",     "FETCHED", "AGE",      "MESSAGE"};
  if (wide) headers.insert(headers.begin() + 2, "URL");
  Table table(headers);
  for (const v1::Resource& resource : resources) {
    const v1::GitRepository& repository = resource.git_repository();
    const v1::GitRepositoryStatus& status = repository.status();
    std::vector<std::string> row = {
        repository.metadata().namespace_(),
        repository.metadata().name(),
        ShortRevision(status.revision()),
        ReadyOf(status.conditions()),
        status.state(),
        status.has_last_fetch_time()
            ? absl::StrCat(ShortAge(now - TimeOf(status.last_fetch_time())), " ago")
            : "never",
        Age(repository.metadata(), now),
        MessageOf(status.conditions())};
    if (wide) row.insert(row.begin() + 2, repository.spec().url());
    table.AddRow(std::move(row));
  }
  return table;
}

Table ClusterTable(const std::vector<v1::Resource>& resources, absl::Time now, bool wide) {
  std::vector<std::string> headers = {"NAME",    "STATE", "READY", "APPLICATIONS",
                                      "OBJECTS", "SEEN",  "AGE",   "MESSAGE"};
  if (wide) headers.insert(headers.end() - 1, {"AGENT", "TARGET", "LABELS"});
  Table table(headers);
  for (const v1::Resource& resource : resources) {
    const v1::Cluster& cluster = resource.cluster();
    const v1::ClusterStatus& status = cluster.status();
    std::vector<std::string> row = {
        cluster.metadata().name(),
        status.state(),
        ReadyOf(status.conditions()),
        absl::StrCat(status.applications_ready(), "/", status.applications()),
        absl::StrCat(status.objects()),
        status.has_last_seen() ? absl::StrCat(ShortAge(now - TimeOf(status.last_seen())), " ago")
                               : "never",
        Age(cluster.metadata(), now)};
    if (wide) {
      const auto& labels = cluster.metadata().labels();
      const std::map<std::string, std::string> sorted(labels.begin(), labels.end());
      row.insert(row.end(), {status.agent_version(), status.target(),
                             absl::StrJoin(sorted, ",", absl::PairFormatter("="))});
    }
    row.push_back(MessageOf(status.conditions()));
    table.AddRow(std::move(row));
  }
  return table;
}

Table SecretTable(const std::vector<v1::Resource>& resources, absl::Time now) {
  Table table({"NAMESPACE", "NAME", "KEYS", "CHANGED", "AGE"});
  for (const v1::Resource& resource : resources) {
    const v1::Secret& secret = resource.secret();
    std::vector<std::string> keys;
    for (const v1::SecretKeyInfo& key : secret.status().keys()) {
      keys.push_back(absl::StrCat(key.name(), " (", key.bytes(), " B)"));
    }
    table.AddRow({secret.metadata().namespace_(), secret.metadata().name(),
                  absl::StrJoin(keys, ", "),
                  absl::StrCat(ShortAge(now - TimeOf(secret.status().last_change_time())), " ago"),
                  Age(secret.metadata(), now)});
  }
  return table;
}

Table TableOf(absl::string_view kind, const std::vector<v1::Resource>& resources, absl::Time now,
              bool wide) {
  if (kind == "GitRepository") return RepositoryTable(resources, now, wide);
  if (kind == "Cluster") return ClusterTable(resources, now, wide);
  if (kind == "Secret") return SecretTable(resources, now);
  return wide ? WideApplicationTable(resources, now) : ApplicationTable(resources, now);
}

void PrintStructured(const std::vector<v1::Resource>& resources, OutputFormat format, bool single,
                     std::ostream& out) {
  if (format == OutputFormat::kName) {
    for (const v1::Resource& resource : resources) out << NameOf(resource) << "\n";
    return;
  }
  if (single) {
    out << FormatResource(resources.front(), format);
    return;
  }
  if (format == OutputFormat::kYaml) {
    for (const v1::Resource& resource : resources)
      out << "---\n" << FormatResource(resource, format);
    return;
  }
  out << "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [";
  for (size_t i = 0; i < resources.size(); ++i)
    out << (i > 0 ? ",\n" : "\n") << FormatResource(resources[i], format);
  out << "]}\n";
}

absl::StatusOr<std::vector<v1::Resource>> Load(CommandContext& context, const GetFlags& flags,
                                               absl::string_view kind, bool per_cluster) {
  LOCKSTEP_ASSIGN_OR_RETURN(FleetClient * client, context.Client());
  std::vector<v1::Resource> resources;
  if (!flags.name.empty()) {
    LOCKSTEP_ASSIGN_OR_RETURN(const v1::ResourceKey key,
                              MakeKey(kind, flags.name, context.flags()));
    LOCKSTEP_ASSIGN_OR_RETURN(v1::GetResponse response, client->Get(key));
    resources.push_back(std::move(*response.mutable_resource()));
    return resources;
  }
  v1::ListRequest request;
  request.set_kind(std::string(kind));
  if (!context.flags().all_namespaces && kind != "Cluster")
    request.set_namespace_(context.flags().name_space);
  request.set_label_selector(flags.selector);
  request.set_per_cluster(per_cluster);
  LOCKSTEP_RETURN_IF_ERROR((client->Stream<v1::ListRequest, v1::ListResponse>(
      &FleetClient::Stub::List, request, [&](const v1::ListResponse& response) {
        resources.insert(resources.end(), response.resources().begin(), response.resources().end());
        return true;
      })));
  return resources;
}

absl::StatusOr<int> Print(CommandContext& context, const GetFlags& flags, absl::string_view kind) {
  LOCKSTEP_ASSIGN_OR_RETURN(const OutputFormat format, context.Output());
  LOCKSTEP_ASSIGN_OR_RETURN(const std::vector<v1::Resource> resources,
                            Load(context, flags, kind, format != OutputFormat::kTable));
  if (format != OutputFormat::kTable && format != OutputFormat::kWide) {
    PrintStructured(resources, format, !flags.name.empty(), context.out());
    return kExitDone;
  }
  context.out()
      << TableOf(kind, resources, context.Now(), format == OutputFormat::kWide).ToString();
  if (resources.empty()) {
    const std::string where =
        context.flags().all_namespaces || kind == "Cluster"
            ? ""
            : absl::StrCat(" in namespace ", context.flags().name_space, "; try -A");
    context.talk() << "no " << kind << where << "\n";
  }
  return kExitDone;
}

// Prints each row again when it changes, for ever.
absl::StatusOr<int> WatchRows(CommandContext& context, const GetFlags& flags,
                              absl::string_view kind) {
  LOCKSTEP_ASSIGN_OR_RETURN(const OutputFormat format, context.Output());
  LOCKSTEP_ASSIGN_OR_RETURN(FleetClient * client, context.Client());
  std::set<std::string> printed;
  absl::Status failure;
  bool first = true;
  LOCKSTEP_RETURN_IF_ERROR((client->Stream<v1::WatchRequest, v1::WatchResponse>(
      &FleetClient::Stub::Watch, v1::WatchRequest(),
      [&](const v1::WatchResponse&) {
        const auto resources = Load(context, flags, kind, format != OutputFormat::kTable);
        if (!resources.ok()) {
          failure = resources.status();
          return false;
        }
        std::set<std::string> present;
        for (const v1::Resource& resource : *resources)
          present.insert(resource.SerializeAsString());
        std::vector<v1::Resource> fresh;
        for (const v1::Resource& resource : *resources) {
          if (!printed.count(resource.SerializeAsString())) fresh.push_back(resource);
        }
        printed = std::move(present);
        if (fresh.empty()) return true;
        if (format == OutputFormat::kTable || format == OutputFormat::kWide) {
          std::string text =
              TableOf(kind, fresh, context.Now(), format == OutputFormat::kWide).ToString();
          if (!first) text.erase(0, text.find('\n') + 1);
          context.out() << text << std::flush;
        } else {
          PrintStructured(fresh, format, /*single=*/false, context.out());
          context.out() << std::flush;
        }
        first = false;
        return true;
      },
      /*bounded=*/false)));
  if (!failure.ok()) return failure;
  return kExitDone;
}

absl::StatusOr<int> PrintOrphans(CommandContext& context, const GetFlags& flags) {
  LOCKSTEP_ASSIGN_OR_RETURN(const OutputFormat format, context.Output());
  LOCKSTEP_ASSIGN_OR_RETURN(FleetClient * client, context.Client());
  LOCKSTEP_ASSIGN_OR_RETURN(std::vector<v1::OrphanList> lists, client->Orphans(flags.cluster));
  if (format == OutputFormat::kJson || format == OutputFormat::kYaml) {
    v1::ListOrphansResponse response;
    for (v1::OrphanList& list : lists) *response.add_lists() = std::move(list);
    context.out() << FormatMessage(response, format);
    return kExitDone;
  }
  Table table({"CLUSTER", "APPLICATION", "OBJECT"});
  for (const v1::OrphanList& list : lists) {
    const std::string application =
        absl::StrCat(list.application().namespace_(), "/", list.application().name());
    for (const std::string& object : list.objects())
      table.AddRow({list.cluster(), application, object});
  }
  context.out() << table.ToString();
  if (table.empty()) context.talk() << "no orphans\n";
  return kExitDone;
}

}  // namespace

void AddGetCommand(CommandSet* set) {
  auto flags = std::make_shared<GetFlags>();
  CLI::App* app = set->Add(
      "get", "show resources and their state",
      [flags](CommandContext& context) -> absl::StatusOr<int> {
        if (flags->kind == "orphans" || flags->kind == "orphan")
          return PrintOrphans(context, *flags);
        LOCKSTEP_ASSIGN_OR_RETURN(const std::string kind, ParseKind(flags->kind));
        return flags->watch ? WatchRows(context, *flags, kind) : Print(context, *flags, kind);
      });
  app->add_option("kind", flags->kind,
                  "applications, gitrepositories, clusters, secrets or orphans")
      ->required();
  app->add_option("name", flags->name, "only this one");
  app->add_option("-l,--selector", flags->selector, "label selector");
  app->add_option("--cluster", flags->cluster, "only orphans of this cluster");
  app->add_flag("-w,--watch", flags->watch, "go on, printing what changes");
}

}  // namespace lockstep
