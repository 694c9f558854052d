#pragma once

#include <string>
#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>
#include <google/protobuf/repeated_ptr_field.h>
#include <google/protobuf/timestamp.pb.h>

#include "lockstep/v1/agent.pb.h"

#include "common/base/digest.h"
#include "common/base/status.h"
#include "common/object/object_key.h"
#include "common/rpc/wire.h"
#include "common/text/utf8.h"

/// What the messages of both directions are made of. Each reader's error starts with the field's
/// name, so that an outer reader only puts its own name in front. Only for common/rpc's own files.
namespace lockstep::wire {

/// Whether a digest may be absent, which is the zero digest.
enum class Absent : bool { kRefused, kAllowed };

template <typename... Parts>
absl::Status Wrong(absl::string_view field, const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", parts...));
}

inline std::string Element(absl::string_view field, int index) {
  return absl::StrCat(field, "[", index, "]");
}

/// Free text of our own made UTF-8 and cut at a character's border to at most `most` bytes, before
/// it fills a protobuf string.
std::string CleanText(absl::string_view text, size_t most);

/// Zero writes as no bytes at all.
std::string FromDigest(const Digest& digest);
absl::Status ReadDigest(absl::string_view field, const std::string& wire, Absent absent,
                        Digest* digest);
absl::Status ReadDigests(absl::string_view field,
                         const google::protobuf::RepeatedPtrField<std::string>& wire, size_t most,
                         std::vector<Digest>* digests);

/// Raw bytes of one length, or none where that is allowed.
absl::Status ReadBytes(absl::string_view field, const std::string& wire, size_t size, Absent absent,
                       std::string* bytes);
/// Raw bytes of at most `most`.
absl::Status ReadUpTo(absl::string_view field, const std::string& wire, size_t most,
                      std::string* bytes);
/// Free text of at most `most` bytes, UTF-8.
absl::Status ReadText(absl::string_view field, const std::string& wire, size_t most,
                      std::string* text);
absl::Status ReadApplicationName(absl::string_view field, const std::string& wire,
                                 std::string* name);

/// InfinitePast writes as an absent field; what protobuf cannot say is brought to the nearest it
/// can.
void FromTime(absl::Time time, google::protobuf::Timestamp* wire);
absl::Status ReadTime(absl::string_view field, const google::protobuf::Timestamp& wire,
                      absl::Time* time);

void FromKey(const ObjectKey& key, v1::ObjectKey* wire);
absl::Status ReadKey(absl::string_view field, const v1::ObjectKey& wire, ObjectKey* key);

enum class Order : bool { kAny, kAscending };
/// At most kWireObjectsMax keys; kAscending refuses a list that is not strictly sorted.
absl::Status ReadKeys(absl::string_view field,
                      const google::protobuf::RepeatedPtrField<v1::ObjectKey>& wire, Order order,
                      std::vector<ObjectKey>* keys);

absl::Status ReadCommitPoint(uint64_t counter, const std::string& chain, CommitPoint* own);

/// The Desired message, which has a file of its own.
void WriteDesired(const Desired& own, DeltaEncoder* deltas, v1::Desired* wire);
absl::Status ReadDesired(const v1::Desired& wire, Desired* own);

/// The Status message, which has a file of its own.
void WriteStatus(const StatusReport& own, v1::Status* wire);
absl::Status ReadStatus(const v1::Status& wire, const KeyLists& lists, StatusReport* own);

absl::Status CheckCount(absl::string_view field, size_t count, size_t most);

/// Reads a repeated field element by element with `read(const Wire&, Own*)`.
template <typename Wire, typename Own, typename Read>
absl::Status ReadList(absl::string_view field, const google::protobuf::RepeatedPtrField<Wire>& wire,
                      size_t most, std::vector<Own>* own, Read read) {
  LOCKSTEP_RETURN_IF_ERROR(CheckCount(field, static_cast<size_t>(wire.size()), most));
  own->reserve(static_cast<size_t>(wire.size()));
  for (int i = 0; i < wire.size(); ++i) {
    if (absl::Status status = read(wire[i], &own->emplace_back()); !status.ok()) {
      return Annotate(status, Element(field, i));
    }
  }
  return absl::OkStatus();
}

}  // namespace lockstep::wire
