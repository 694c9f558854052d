#include "common/render/kustomize/session.h"

#include <absl/strings/str_cat.h>

namespace lockstep::kustomize {

std::string Session::Shown(absl::string_view path) const {
  return absl::StrCat(options_.path_prefix, path);
}

std::string Session::Describe(Place place) const {
  const FilePlace found = cache_.Locate(place);
  return absl::StrCat(Shown(found.file), ":", found.line, ":", found.column);
}

absl::Status Session::Error(Place place, absl::string_view message) const {
  return absl::InvalidArgumentError(absl::StrCat(Describe(place), ": ", message));
}

absl::Status Session::At(Place place, const absl::Status& status) const {
  absl::Status made(status.code(), absl::StrCat(Describe(place), ": ", status.message()));
  status.ForEachPayload(
      [&made](absl::string_view url, const absl::Cord& payload) { made.SetPayload(url, payload); });
  return made;
}

Decoder Session::MakeDecoder(Decoder::Strictness strictness) const {
  return Decoder(strictness, [this](Place place) { return Describe(place); });
}

absl::Status Session::CountKustomization(absl::string_view file) {
  if (++kustomizations_ <= options_.limits.kustomizations) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(Shown(file), ": the build enters more than ",
                                                   options_.limits.kustomizations,
                                                   " kustomizations; split it"));
}

absl::Status Session::CountBytes(absl::string_view file, uint64_t bytes) {
  bytes_ += bytes;
  if (bytes_ <= options_.limits.read_bytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat(Shown(file), ": the build reads more than ", options_.limits.read_bytes >> 20,
                   " MiB, files that are read again counted again; split it"));
}

}  // namespace lockstep::kustomize
