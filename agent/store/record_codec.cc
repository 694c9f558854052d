#include "agent/store/record_codec.h"

#include <cstdint>
#include <utility>

#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "common/bundle/encoding.h"

namespace lockstep {
namespace {

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

// Takes from the front. After a failure everything it yields is empty and `ok` is false.
class Reader {
 public:
  explicit Reader(absl::string_view bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  bool AtEnd() const { return rest_.empty(); }

  uint64_t Integer() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    return Fail();
  }
  bool Bool() { return Integer() != 0; }
  absl::string_view Bytes(uint64_t count) {
    if (count > rest_.size()) count = Fail();
    const absl::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  absl::string_view Text() { return Bytes(Integer()); }
  std::string String() { return std::string(Text()); }
  Digest Raw() { return Digest::FromBytes(Bytes(Digest::kSize)).value_or(Digest()); }
  ObjectKey Key() {
    ObjectKey key;
    key.group = String();
    key.kind = String();
    key.namespace_ = String();
    key.name = String();
    return key;
  }
  template <typename Each>
  void All(const Each& each) {
    for (uint64_t left = Integer(); left > 0 && ok_; --left) each();
  }

 private:
  uint64_t Fail() {
    ok_ = false;
    rest_ = {};
    return 0;
  }

  absl::string_view rest_;
  bool ok_ = true;
};

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
  record.start_counter = in.Integer();
  record.seen.counter = in.Integer();
  record.seen.chain = in.Raw();
  record.hub_incarnation = in.String();
  record.epoch = in.Integer();
  record.desired_seq = in.Integer();
  record.removed = in.Bool();
  in.All([&] { record.revoked.insert(in.Raw()); });
  record.hub_behind = in.Bool();
  record.joined_with = in.String();
  record.authority = in.Raw();
  return record;
}

absl::StatusOr<ApplicationRecord> DecodeApplication(Reader& in) {
  ApplicationRecord record;
  record.name = in.String();
  record.generation = in.Integer();
  record.revision = in.String();
  LOCKSTEP_ASSIGN_OR_RETURN(record.manifest, Manifest::Decode(in.Text()));
  record.options_digest = in.Raw();
  record.options_bytes = in.String();
  if (!record.options_bytes.empty()) {
    LOCKSTEP_ASSIGN_OR_RETURN(record.options, DecodeOptions(record.options_bytes));
  }
  record.accept_foreign = in.Bool();
  const uint64_t releasing = in.Integer();
  if (releasing == 1) record.releasing = ReleaseObjects::kOrphan;
  if (releasing == 2) record.releasing = ReleaseObjects::kDelete;
  in.All([&] { record.tombstones.push_back(in.Key()); });
  record.objects_before = in.Integer();
  record.held = in.Bool();
  record.held_reason = in.String();
  return record;
}

InventoryRecord DecodeInventory(Reader& in) {
  InventoryRecord record;
  record.application = in.String();
  in.All([&] {
    ObjectKey key = in.Key();
    InventoryEntry entry;
    entry.uid = in.String();
    entry.applied = in.Raw();
    in.All([&] { entry.attempted.push_back(in.Raw()); });
    entry.mark = in.String();
    record.set.emplace_back(std::move(key), std::move(entry));
  });
  in.All([&] { record.removed.push_back(in.Key()); });
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
      return ForgetRecord{in.String()};
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
  Reader in(bytes);
  std::vector<Record> records;
  while (!in.AtEnd()) {
    const auto kind = static_cast<Kind>(in.Integer());
    Reader body(in.Text());
    LOCKSTEP_ASSIGN_OR_RETURN(Record record, DecodeRecord(kind, body));
    if (!in.ok() || !body.ok()) return absl::DataLossError("reading a record: it is cut short");
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
