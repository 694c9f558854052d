#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include <absl/status/status.h>

#include "common/base/digest.h"
#include "common/bundle/key_list.h"
#include "common/bundle/link.h"
#include "common/object/object_key.h"

namespace lockstep::v1 {
class AgentMessage;
class KeyListPart;
}  // namespace lockstep::v1

/// Lists that are too long for a Status: they come before it, in parts, and it names them by digest
/// (docs/protocol.md "Long lists").
namespace lockstep {

/// A list that takes more (KeyListBytes) does not stand in its report.
inline constexpr size_t kInlineListBytesMax = 32 << 10;
/// One part.
inline constexpr size_t kListPartBytes = 64 << 10;

/// What has to be sent right before `message`, in this order; nothing in nearly all cases.
std::vector<v1::AgentMessage> ListParts(const AgentMessage& message);

/// What one stream brought of lists since the last Status.
class KeyLists {
 public:
  /// Adds a part.
  ///
  /// Errors: INVALID_ARGUMENT where it does not go on where the part before ended, keys are out of
  /// order, the whole is not what its digest says, or together they are over two lists'
  /// kKeyListBytesMax.
  absl::Status Take(const v1::KeyListPart& wire);
  /// The whole list with this digest; null where it did not come.
  const std::vector<ObjectKey>* Find(const Digest& digest) const;
  /// The Status that they were for has come.
  void Clear();

 private:
  std::map<Digest, std::vector<ObjectKey>> lists_;  // Whole.
  Digest coming_;                                   // Zero: none.
  std::vector<ObjectKey> keys_;                     // Of coming_, as far as it came.
  size_t bytes_ = 0;                                // Of all.
};

}  // namespace lockstep
