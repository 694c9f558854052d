// Storage, network, and what extends the API.

#include <absl/strings/str_cat.h>

#include "common/health/fields.h"
#include "common/health/kinds.h"

namespace lockstep {

Judgement JudgeVolumeClaim(const Value& object) {
  const absl::string_view phase = TextAt(object, {"status", "phase"});
  const absl::string_view storage_class = TextAt(object, {"spec", "storageClassName"});
  if (phase == "Bound") return {Health::kHealthy, ""};
  if (phase == "Lost") {
    return {Health::kDegraded, absl::StrCat("its volume \"", TextAt(object, {"spec", "volumeName"}),
                                            "\" is gone, with the data")};
  }
  if (phase == "Pending" || phase.empty()) {
    return {Health::kProgressing,
            storage_class.empty()
                ? std::string("it is bound to no volume yet")
                : absl::StrCat("it is bound to no volume of storage class \"", storage_class,
                               "\" yet (a class may wait for the first pod that uses it)")};
  }
  return {Health::kUnknown, absl::StrCat("its phase is ", phase)};
}

Judgement JudgeVolume(const Value& object) {
  const absl::string_view phase = TextAt(object, {"status", "phase"});
  const absl::string_view said = TextAt(object, {"status", "message"});
  if (phase == "Failed") {
    return {Health::kDegraded,
            Explain(TextAt(object, {"status", "reason"}), said, "the volume failed")};
  }
  if (phase == "Pending") return {Health::kProgressing, "the volume is not available yet"};
  return {Health::kHealthy, ""};
}

Judgement JudgeService(const Value& object) {
  if (TextAt(object, {"spec", "type"}) == "LoadBalancer" &&
      ListAt(object, {"status", "loadBalancer", "ingress"}).empty()) {
    return {Health::kProgressing, "its load balancer has no address yet"};
  }
  return {Health::kHealthy, ""};
}

Judgement JudgeIngress(const Value& object) {
  if (!ListAt(object, {"status", "loadBalancer", "ingress"}).empty()) return {Health::kHealthy, ""};
  const absl::string_view name = TextAt(object, {"spec", "ingressClassName"});
  return {Health::kProgressing,
          name.empty() ? std::string("no ingress controller has given it an address yet")
                       : absl::StrCat("the controller of ingress class \"", name,
                                      "\" has given it no address yet")};
}

Judgement JudgeApiService(const Value& object) {
  const auto available = FindCondition(object, "Available");
  if (available.has_value() && available->IsTrue()) return {Health::kHealthy, ""};
  return {Health::kProgressing, available.has_value()
                                    ? Explain(*available, "its server does not answer")
                                    : std::string("nobody has tried its server yet")};
}

Judgement JudgeCustomResourceDefinition(const Value& object) {
  const auto names = FindCondition(object, "NamesAccepted");
  if (names.has_value() && names->IsFalse()) {
    return {Health::kDegraded, Explain(*names, "its names are taken")};
  }
  const auto established = FindCondition(object, "Established");
  if (!established.has_value()) return {Health::kProgressing, "its kind is not served yet"};
  if (established->IsTrue()) return {Health::kHealthy, ""};
  return {established->IsFalse() && established->reason != "Installing" ? Health::kDegraded
                                                                        : Health::kProgressing,
          Explain(*established, "its kind is not served yet")};
}

Judgement JudgeNamespace(const Value& object) {
  if (TextAt(object, {"status", "phase"}) != "Terminating") return {Health::kHealthy, ""};
  std::string text = "it is being deleted";
  for (const Value& condition : ListAt(object, {"status", "conditions"})) {
    if (condition.StringAt("status") == "True" && !condition.StringAt("message").empty()) {
      absl::StrAppend(&text, "; ", condition.StringAt("message"));
    }
  }
  return {Health::kProgressing, std::move(text)};
}

}  // namespace lockstep
