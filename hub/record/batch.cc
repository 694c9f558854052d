#include "hub/record/batch.h"

#include <utility>

namespace lockstep {
namespace {

size_t SizeOf(const Batch::Record& record) {
  return record.key.size() + (record.value.has_value() ? record.value->size() : 0);
}

}  // namespace

absl::string_view FamilyName(Family family) {
  switch (family) {
    case Family::kMeta:
      return "meta";
    case Family::kResource:
      return "resource";
    case Family::kSource:
      return "source";
    case Family::kAssignment:
      return "assignment";
    case Family::kStatus:
      return "status";
    case Family::kRelease:
      return "release";
    case Family::kEvent:
      return "event";
    case Family::kBlob:
      return "blob";
    case Family::kChain:
      return "chain";
    case Family::kIdentity:
      return "identity";
  }
  return "unknown";
}

void Batch::Put(Family family, std::string key, std::string value) {
  Add({.family = family, .key = std::move(key), .value = std::move(value)});
}

void Batch::Delete(Family family, std::string key) {
  Add({.family = family, .key = std::move(key), .value = std::nullopt});
}

void Batch::Append(Batch other) {
  // What every event may touch comes last of what it writes: of several only the newest is kept.
  if (!records_.empty() && !other.records_.empty()) {
    const Record& last = records_.back();
    const Record& newer = other.records_.back();
    if (last.family == Family::kMeta && newer.family == Family::kMeta && last.key == newer.key) {
      bytes_ -= SizeOf(last);
      records_.pop_back();
    }
  }
  for (Record& record : other.records_) Add(std::move(record));
  RaiseCounterTo(other.counter_min_);
}

void Batch::Add(Record record) {
  bytes_ += SizeOf(record);
  has_decisions_ = has_decisions_ || IsDecision(record.family);
  records_.push_back(std::move(record));
}

Digest Batch::DecisionDigest() const {
  Hasher hasher;
  for (const Record& record : records_) {
    if (!IsDecision(record.family)) continue;
    hasher.AddSized(FamilyName(record.family));
    hasher.AddSized(record.key);
    hasher.AddInteger(record.value.has_value() ? 1 : 0);
    hasher.AddSized(record.value.has_value() ? *record.value : "");
  }
  return hasher.Finish();
}

}  // namespace lockstep
