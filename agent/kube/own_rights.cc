#include "agent/kube/own_rights.h"

#include <utility>
#include <vector>

#include "agent/kube/answer.h"
#include "agent/kube/http.h"
#include "common/base/status.h"
#include "common/object/json.h"

namespace lockstep {
namespace {

constexpr char kReview[] =
    R"({"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview",)"
    R"("spec":{"resourceAttributes":{"verb":"*","group":"*","resource":"*"}}})";

}  // namespace

absl::StatusOr<bool> MayDoEverything(const KubeAccess& access, const Clock* clock) {
  KubeHttp http(access, {}, clock);
  std::vector<KubeRequest> requests(1);
  requests[0] = {.method = "POST",
                 .path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                 .body = kReview,
                 .content_type = "application/json",
                 .timeout = absl::Seconds(10)};
  LOCKSTEP_ASSIGN_OR_RETURN(const KubeResponse response,
                            std::move(http.Perform(std::move(requests), [] { return false; })[0]));
  LOCKSTEP_RETURN_IF_ERROR(ToStatus(ReadAnswer(response, "selfsubjectaccessreviews")));
  LOCKSTEP_ASSIGN_OR_RETURN(const Value review, ReadJson(response.body, "the answer"));
  const Value* const status = review.Find("status");
  const Value* const allowed = status == nullptr ? nullptr : status->Find("allowed");
  return allowed != nullptr && allowed->IsBool() && allowed->AsBool();
}

}  // namespace lockstep
