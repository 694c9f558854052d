#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/base/digest.h"
#include "common/bundle/delta.h"
#include "common/object/object_key.h"

namespace lockstep {

/// Of all documents that one Desired refers to.
inline constexpr size_t kDocumentBytesMax = 64 << 20;

/// What a message says of a delta that is too large to travel in it: a blob with this digest holds
/// the delta, to be fetched.
struct DocumentReference {
  Digest digest;
  uint64_t bytes = 0;
  Digest base;    // As in the delta.
  Digest target;  // As in the delta.

  friend bool operator==(const DocumentReference&, const DocumentReference&) = default;
};

/// A delta as it is fetched, with all that it deletes by name: what a document does not name as
/// removed stays, as with a delta that travels in the message.
struct DeltaDocument {
  BundleDelta delta;
  std::vector<ObjectKey> tombstones;  // See ApplicationTarget.
};

/// The same bytes for the same delta and tombstones.
///
/// "LSD1", digests of base and target (32 bytes each); count of changes, each with its position
/// plus 1, or 0 and the key, and the blob's digest; count of removed positions, each as the
/// distance from the one before (the first from -1); count of tombstones, each a key. A key is
/// group, kind, namespace, name, each a length and bytes. Numbers are LEB128.
std::string EncodeDocument(const BundleDelta& delta, const std::vector<ObjectKey>& tombstones);

/// Reads what EncodeDocument wrote and `reference` announced.
///
/// Errors: DATA_LOSS where these are other bytes than `reference` names; INVALID_ARGUMENT where
/// they are no document, or one from another base or to another target.
absl::StatusOr<DeltaDocument> DecodeDocument(const DocumentReference& reference,
                                             absl::string_view bytes);

}  // namespace lockstep
