#include "common/object/value.h"

#include <cmath>
#include <limits>

#include <absl/hash/hash.h>
#include <absl/numeric/bits.h>
#include <absl/strings/numbers.h>

#include "common/object/number.h"

namespace lockstep {

Value::Value(const Value& other) : place_(other.place_) {
  if (other.IsObject()) {
    data_ = std::make_unique<Object>(other.AsObject());
    return;
  }
  std::visit(
      [this](const auto& content) {
        using T = std::decay_t<decltype(content)>;
        if constexpr (!std::is_same_v<T, std::unique_ptr<Object>>) data_ = content;
      },
      other.data_);
}

Value& Value::operator=(const Value& other) {
  if (this != &other) *this = Value(other);
  return *this;
}

Value Value::Uint(uint64_t value) {
  if (value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
    return Int(static_cast<int64_t>(value));
  return Value(Data(value));
}

Value Value::Double(double value) {
  constexpr double kExact = 9007199254740992;  // 2^53: up to here the integer is exact.
  if (value != std::trunc(value) || std::fabs(value) >= 1e21) return Value(Data(value));
  if (std::fabs(value) <= kExact) return Int(static_cast<int64_t>(value));
  std::string text;
  AppendDouble(value, &text);
  int64_t integer = 0;
  if (absl::SimpleAtoi(text, &integer)) return Int(integer);
  uint64_t large = 0;
  if (absl::SimpleAtoi(text, &large)) return Uint(large);
  return Value(Data(value));
}

double Value::AsNumber() const {
  if (IsInt()) return static_cast<double>(AsInt());
  if (IsUint()) return static_cast<double>(AsUint());
  return AsDouble();
}

Value Value::MakeObject() { return Value(Data(std::make_unique<Object>())); }
Value Value::MakeObject(Object object) {
  return Value(Data(std::make_unique<Object>(std::move(object))));
}

absl::string_view Value::TypeName() const {
  switch (type()) {
    case Type::kNull:
      return "null";
    case Type::kBool:
      return "boolean";
    case Type::kInt:
    case Type::kUint:
      return "integer";
    case Type::kDouble:
      return "number";
    case Type::kString:
      return "string";
    case Type::kArray:
      return "list";
    case Type::kObject:
      return "mapping";
  }
  return "null";
}

const Value* Value::Find(absl::string_view key) const {
  return IsObject() ? AsObject().Find(key) : nullptr;
}
Value* Value::Find(absl::string_view key) { return IsObject() ? AsObject().Find(key) : nullptr; }

absl::string_view Value::StringAt(absl::string_view key) const {
  const Value* member = Find(key);
  return member != nullptr && member->IsString() ? absl::string_view(member->AsString())
                                                 : absl::string_view();
}

bool operator==(const Value& a, const Value& b) {
  if (a.type() != b.type()) return false;
  if (a.IsObject()) return a.AsObject() == b.AsObject();
  return a.data_ == b.data_;
}

size_t Object::SlotOf(absl::string_view key) const {
  const size_t mask = slots_.size() - 1;
  size_t slot = absl::HashOf(key) & mask;
  while (slots_[slot] != 0 && members_[slots_[slot] - 1].key != key) slot = (slot + 1) & mask;
  return slot;
}

size_t Object::IndexOf(absl::string_view key) const {
  if (!slots_.empty()) {
    const uint32_t position = slots_[SlotOf(key)];
    return position == 0 ? members_.size() : position - 1;
  }
  for (size_t i = 0; i < members_.size(); ++i) {
    if (members_[i].key == key) return i;
  }
  return members_.size();
}

size_t Object::Reindex() {
  slots_.clear();
  if (members_.size() < kIndexFrom) return npos;
  size_t duplicate = npos;
  slots_.resize(absl::bit_ceil(members_.size() * 4));
  for (size_t i = 0; i < members_.size(); ++i) {
    uint32_t& slot = slots_[SlotOf(members_[i].key)];
    if (slot == 0) {
      slot = static_cast<uint32_t>(i + 1);
    } else if (duplicate == npos) {
      duplicate = i;
    }
  }
  return duplicate;
}

size_t Object::Assign(std::vector<Member> members) {
  members_ = std::move(members);
  if (members_.size() >= kIndexFrom) return Reindex();
  slots_.clear();
  for (size_t i = 1; i < members_.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (members_[i].key == members_[j].key) return i;
    }
  }
  return npos;
}

Value& Object::Set(absl::string_view key, Value value) {
  const size_t at = IndexOf(key);
  if (at < members_.size()) {
    members_[at].value = std::move(value);
    return members_[at].value;
  }
  Add(std::string(key), std::move(value));
  return members_.back().value;
}

bool Object::Add(std::string key, Value value) {
  if (IndexOf(key) < members_.size()) return false;
  members_.push_back({std::move(key), std::move(value)});
  if (members_.size() >= kIndexFrom && members_.size() * 2 > slots_.size()) {
    Reindex();
  } else if (!slots_.empty()) {
    slots_[SlotOf(members_.back().key)] = static_cast<uint32_t>(members_.size());
  }
  return true;
}

bool Object::Remove(absl::string_view key) {
  const size_t at = IndexOf(key);
  if (at == members_.size()) return false;
  members_.erase(members_.begin() + static_cast<std::ptrdiff_t>(at));
  Reindex();
  return true;
}

const Value* Object::Find(absl::string_view key) const {
  const size_t at = IndexOf(key);
  return at < members_.size() ? &members_[at].value : nullptr;
}

Value* Object::Find(absl::string_view key) {
  const size_t at = IndexOf(key);
  return at < members_.size() ? &members_[at].value : nullptr;
}

bool operator==(const Object& a, const Object& b) {
  if (a.size() != b.size()) return false;
  for (const Object::Member& member : a) {
    const Value* other = b.Find(member.key);
    if (other == nullptr || !(*other == member.value)) return false;
  }
  return true;
}

}  // namespace lockstep
