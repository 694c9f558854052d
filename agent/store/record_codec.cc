#include "agent/store/record_codec.h"

#include <cstdint>
#include <utility>

#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "common/bundle/encoding.h"

namespace lockstep {
namespace {

// What is added to a record is added at its end and is a step of Journal::kFormat: an older agent
// refuses the file, a newer one leaves at its default what an older one did not write.
enum class Kind : uint8_t { kAgent = 1, kApplication = 2, kInventory = 3, kForget = 4 };

class Writer {
 public:
  void Integer(uint64_t value) { encoding::AppendLength(value, &bytes_); }
  void Bool(bool value) { Integer(value ? 1 : 0); }
  void Text(absl::string_view text) { encoding::AppendSized(text, &bytes_); }
  void Raw(const Digest& digest) { absl::StrAppend(&bytes_, digest.bytes()); }
  void Key(const ObjectKey& key) { encoding::AppendKey(key, &bytes_); }
  template <typename List, typename Each>
  void All(const List& list, const Each& each) {
    Integer(list.size());
    for (const auto& item : list) each(item);
  }
  std::string Take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

using encoding::Reader;

bool TakeBool(Reader& in) { return in.Length() != 0; }

template <typename Each>
void TakeAll(Reader& in, const Each& each) {
  for (uint64_t left = in.Length(); left > 0 && in.ok; --left) each();
}

struct Encode {
  Writer& out;

  Kind operator()(const AgentRecord& record) const {
    out.Integer(record.start_counter);
    out.Integer(record.seen.counter);
    out.Raw(record.seen.chain);
    out.Text(record.hub_incarnation);
    out.Integer(record.epoch);
    out.Integer(record.desired_seq);
    out.Bool(record.removed);
    out.All(record.revoked, [&](const Digest& digest) { out.Raw(digest); });
    out.Bool(record.hub_behind);
    out.Text(record.joined_with);
    out.Raw(record.authority);
    out.Text(record.target_uid);
    return Kind::kAgent;
  }
  Kind operator()(const ApplicationRecord& record) const {
    out.Text(record.name);
    out.Integer(record.generation);
    out.Text(record.revision);
    out.Text(record.manifest->Encode());
    out.Raw(record.options_digest);
    out.Text(record.options_bytes);
    out.Bool(record.accept_foreign);
    out.Integer(!record.releasing.has_value()                  ? 0
                : *record.releasing == ReleaseObjects::kOrphan ? 1
                                                               : 2);
    out.All(record.tombstones, [&](const ObjectKey& key) { out.Key(key); });
    out.Integer(record.objects_before);
    out.Bool(record.held);
    out.Text(record.held_reason);
    return Kind::kApplication;
  }
  Kind operator()(const InventoryRecord& record) const {
    out.Text(record.application);
    out.All(record.set, [&](const auto& item) {
      out.Key(item.first);
      out.Text(item.second.uid);
      out.Raw(item.second.applied);
      out.All(item.second.attempted, [&](const Digest& digest) { out.Raw(digest); });
      out.Text(item.second.mark);
    });
    out.All(record.removed, [&](const ObjectKey& key) { out.Key(key); });
    return Kind::kInventory;
  }
  Kind operator()(const ForgetRecord& record) const {
    out.Text(record.application);
    return Kind::kForget;
  }
};

AgentRecord DecodeAgent(Reader& in) {
  AgentRecord record;
  record.start_counter = in.Length();
  record.seen.counter = in.Length();
  record.seen.chain = in.Hash();
  record.hub_incarnation = in.Sized();
  record.epoch = in.Length();
  record.desired_seq = in.Length();
  record.removed = TakeBool(in);
  TakeAll(in, [&] { record.revoked.insert(in.Hash()); });
  if (in.rest.empty()) return record;  // Format 1, before it had more to say.
  record.hub_behind = TakeBool(in);
  record.joined_with = in.Sized();
  record.authority = in.Hash();
  if (in.rest.empty()) return record;  // Format 1.
  record.target_uid = in.Sized();
  return record;
}

absl::StatusOr<ApplicationRecord> DecodeApplication(Reader& in) {
  ApplicationRecord record;
  record.name = in.Sized();
  record.generation = in.Length();
  record.revision = in.Sized();
  LOCKSTEP_ASSIGN_OR_RETURN(record.manifest, Manifest::Decode(in.Bytes(in.Length())));
  record.options_digest = in.Hash();
  record.options_bytes = in.Sized();
  if (!record.options_bytes.empty()) {
    LOCKSTEP_ASSIGN_OR_RETURN(record.options, DecodeOptions(record.options_bytes));
  }
  record.accept_foreign = TakeBool(in);
  const uint64_t releasing = in.Length();
  if (releasing == 1) record.releasing = ReleaseObjects::kOrphan;
  if (releasing == 2) record.releasing = ReleaseObjects::kDelete;
  TakeAll(in, [&] { record.tombstones.push_back(in.Key()); });
  record.objects_before = in.Length();
  record.held = TakeBool(in);
  record.held_reason = in.Sized();
  return record;
}

InventoryRecord DecodeInventory(Reader& in) {
  InventoryRecord record;
  record.application = in.Sized();
  TakeAll(in, [&] {
    ObjectKey key = in.Key();
    InventoryEntry entry;
    entry.uid = in.Sized();
    entry.applied = in.Hash();
    TakeAll(in, [&] { entry.attempted.push_back(in.Hash()); });
    entry.mark = in.Sized();
    record.set.emplace_back(std::move(key), std::move(entry));
  });
  TakeAll(in, [&] { record.removed.push_back(in.Key()); });
  return record;
}

absl::StatusOr<Record> DecodeRecord(Kind kind, Reader& in) {
  switch (kind) {
    case Kind::kAgent:
      return DecodeAgent(in);
    case Kind::kApplication: {
      LOCKSTEP_ASSIGN_OR_RETURN(ApplicationRecord record, DecodeApplication(in));
      return record;
    }
    case Kind::kInventory:
      return DecodeInventory(in);
    case Kind::kForget:
      return ForgetRecord{in.Sized()};
  }
  return absl::DataLossError("reading a record: its kind is unknown");
}

}  // namespace

std::string EncodeRecords(const std::vector<Record>& records) {
  Writer out;
  for (const Record& record : records) {
    Writer body;
    out.Integer(static_cast<uint64_t>(std::visit(Encode{body}, record)));
    out.Text(body.Take());
  }
  return out.Take();
}

absl::StatusOr<std::vector<Record>> DecodeRecords(absl::string_view bytes) {
  Reader in{bytes};
  std::vector<Record> records;
  while (!in.rest.empty()) {
    const auto kind = static_cast<Kind>(in.Length());
    Reader body{in.Bytes(in.Length())};
    LOCKSTEP_ASSIGN_OR_RETURN(Record record, DecodeRecord(kind, body));
    if (!in.ok || !body.ok) return absl::DataLossError("reading a record: it is cut short");
    records.push_back(std::move(record));
  }
  return records;
}

std::vector<Record> RecordsOf(const DurableState& state) {
  std::vector<Record> records{state.agent};
  for (const auto& [name, application] : state.applications) {
    records.emplace_back(application.target);
    InventoryRecord inventory;
    inventory.application = name;
    inventory.set.assign(application.inventory.begin(), application.inventory.end());
    records.emplace_back(std::move(inventory));
  }
  return records;
}

}  // namespace lockstep
