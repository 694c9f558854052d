#include "common/bundle/options.h"

#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "common/object/json.h"
#include "common/object/value.h"
#include "common/text/names.h"

namespace lockstep {
namespace {

// Durations travel as whole nanoseconds, so that nothing is lost and equal options are equal bytes.
constexpr char kInterval[] = "intervalNanoseconds";
constexpr char kPrune[] = "prune";
constexpr char kSuspend[] = "suspend";
constexpr char kDeleteObjects[] = "deleteObjectsOnRelease";
constexpr char kDefaultNamespace[] = "defaultNamespace";
constexpr char kServiceAccount[] = "serviceAccount";
constexpr char kCreateNamespace[] = "createNamespace";

absl::Status WrongType(const char* member, const char* wanted, const Value& found) {
  return absl::InvalidArgumentError(absl::StrCat("options: \"", member, "\" is a ",
                                                 found.TypeName(), ", not a ", wanted,
                                                 "; upgrade the hub and the agent to one version"));
}

absl::Status DecodeBool(const Value& options, const char* member, bool* out) {
  const Value* const value = options.Find(member);
  if (value == nullptr) return absl::OkStatus();
  if (!value->IsBool()) return WrongType(member, "boolean", *value);
  *out = value->AsBool();
  return absl::OkStatus();
}

absl::Status DecodeString(const Value& options, const char* member, std::string* out) {
  const Value* const value = options.Find(member);
  if (value == nullptr) return absl::OkStatus();
  if (!value->IsString()) return WrongType(member, "string", *value);
  *out = value->AsString();
  return absl::OkStatus();
}

absl::Status DecodeDuration(const Value& options, const char* member, absl::Duration* out) {
  const Value* const value = options.Find(member);
  if (value == nullptr) return absl::OkStatus();
  if (!value->IsInt()) return WrongType(member, "whole number", *value);
  *out = absl::Nanoseconds(value->AsInt());
  return absl::OkStatus();
}

}  // namespace

std::string EncodeOptions(const ApplicationOptions& options) {
  const ApplicationOptions defaults;
  Value encoded = Value::MakeObject();
  Object& members = encoded.AsObject();
  if (options.interval != defaults.interval) {
    members.Set(kInterval, Value::Int(absl::ToInt64Nanoseconds(options.interval)));
  }
  if (options.prune != defaults.prune) members.Set(kPrune, Value::Bool(options.prune));
  if (options.suspend != defaults.suspend) members.Set(kSuspend, Value::Bool(options.suspend));
  if (options.delete_objects_on_release != defaults.delete_objects_on_release) {
    members.Set(kDeleteObjects, Value::Bool(options.delete_objects_on_release));
  }
  if (options.default_namespace != defaults.default_namespace) {
    members.Set(kDefaultNamespace, Value::String(options.default_namespace));
  }
  if (options.service_account != defaults.service_account) {
    members.Set(kServiceAccount, Value::String(options.service_account));
  }
  if (options.create_namespace != defaults.create_namespace) {
    members.Set(kCreateNamespace, Value::Bool(options.create_namespace));
  }
  return CanonicalJson(encoded);
}

absl::StatusOr<ApplicationOptions> DecodeOptions(absl::string_view bytes) {
  LOCKSTEP_ASSIGN_OR_RETURN(const Value encoded, ReadJson(bytes, "options"));
  if (!encoded.IsObject()) {
    return absl::InvalidArgumentError(
        absl::StrCat("options: a ", encoded.TypeName(),
                     ", not an object; upgrade the hub and the agent to one version"));
  }
  ApplicationOptions options;
  LOCKSTEP_RETURN_IF_ERROR(DecodeDuration(encoded, kInterval, &options.interval));
  LOCKSTEP_RETURN_IF_ERROR(DecodeBool(encoded, kPrune, &options.prune));
  LOCKSTEP_RETURN_IF_ERROR(DecodeBool(encoded, kSuspend, &options.suspend));
  LOCKSTEP_RETURN_IF_ERROR(DecodeBool(encoded, kDeleteObjects, &options.delete_objects_on_release));
  LOCKSTEP_RETURN_IF_ERROR(DecodeString(encoded, kDefaultNamespace, &options.default_namespace));
  LOCKSTEP_RETURN_IF_ERROR(DecodeString(encoded, kServiceAccount, &options.service_account));
  LOCKSTEP_RETURN_IF_ERROR(DecodeBool(encoded, kCreateNamespace, &options.create_namespace));
  // An account of another namespace cannot be named, whatever the hub let through (SECURITY A-45).
  if (absl::Status account = CheckDnsSubdomain(options.service_account);
      !options.service_account.empty() && !account.ok()) {
    return Annotate(account, "options: serviceAccount");
  }
  if (options.interval <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("options: the interval is not over zero; correct it");
  }
  return options;
}

}  // namespace lockstep
