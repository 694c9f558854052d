#pragma once

#include <absl/status/status.h>

#include "common/render/kustomize/loader.h"
#include "common/render/kustomize/resource_list.h"

namespace lockstep::kustomize {

/// The ValueAddTransformer: puts one value into fields of several objects, whole or as a part of a
/// path. Source: kustomize 5.8.1, ValueAddTransformer.
absl::Status ApplyValueAdd(const Value& configuration, const Decoder& decoder, const Loader& loader,
                           ResourceList* list);

}  // namespace lockstep::kustomize
