#include "hub/rpc/verbs.h"

#include <utility>

#include <absl/strings/str_cat.h>
#include <google/protobuf/descriptor.h>

#include "lockstep/v1/fleet.pb.h"

namespace lockstep {
namespace {

constexpr std::pair<absl::string_view, Verb> kVerbs[] = {
    {"Apply", Verb::kApply},
    {"Get", Verb::kRead},
    {"List", Verb::kRead},
    {"Watch", Verb::kRead},
    {"Delete", Verb::kDelete},
    {"Sync", Verb::kSync},
    {"Suspend", Verb::kSuspend},
    {"Resume", Verb::kSuspend},
    {"Approve", Verb::kApprove},
    {"History", Verb::kRead},
    {"Diff", Verb::kRead},
    {"Events", Verb::kRead},
    {"CreateJoinToken", Verb::kClusters},
    {"AcceptCluster", Verb::kClusters},
    {"LabelCluster", Verb::kClusters},
    {"RemoveCluster", Verb::kClusters},
    {"ListOrphans", Verb::kRead},
    {"DeleteOrphans", Verb::kDelete},
    {"GetHub", Verb::kRead},
};

}  // namespace

absl::string_view VerbName(Verb verb) {
  switch (verb) {
    case Verb::kRead:
      return "read";
    case Verb::kApply:
      return "apply";
    case Verb::kDelete:
      return "delete";
    case Verb::kSync:
      return "sync";
    case Verb::kSuspend:
      return "suspend";
    case Verb::kApprove:
      return "approve";
    case Verb::kClusters:
      return "clusters";
  }
  return "";
}

std::optional<Verb> VerbOf(absl::string_view method) {
  for (const auto& [name, verb] : kVerbs) {
    if (name == method) return verb;
  }
  return std::nullopt;
}

absl::Status CheckVerbs() {
  const google::protobuf::ServiceDescriptor* service =
      v1::ApplyRequest::descriptor()->file()->FindServiceByName("FleetService");
  for (int i = 0; i < service->method_count(); ++i) {
    if (!VerbOf(service->method(i)->name())) {
      return absl::InternalError(absl::StrCat(service->method(i)->full_name(),
                                              " has no verb; give it one in hub/rpc/verbs.cc"));
    }
  }
  return absl::OkStatus();
}

}  // namespace lockstep
