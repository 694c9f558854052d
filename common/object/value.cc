#include "common/object/value.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

#include <absl/hash/hash.h>
#include <absl/numeric/bits.h>
#include <absl/strings/numbers.h>

#include "common/object/number.h"

namespace lockstep {

Value::Value(const Value& other)
    : line_(other.line_),
      column_(other.column_),
      type_(other.type_),
      plain_time_(other.plain_time_),
      quoted_(other.quoted_),
      small_() {
  switch (other.type_) {
    case Type::kString:
      new (&string_) std::string(other.string_);
      break;
    case Type::kArray:
      new (&array_) Array(other.array_);
      break;
    case Type::kObject:
      new (&object_) Object(other.object_);
      break;
    default:
      small_ = other.small_;
  }
}

Value& Value::operator=(const Value& other) {
  if (this != &other) *this = Value(other);
  return *this;
}

void Value::Replace(Value* other) noexcept {
  Value held(std::move(*other));  // `other` may lie inside this one.
  Clear();
  Take(&held);
}

void Value::TakeContent(Value* other) noexcept {
  type_ = other->type_;
  if (type_ == Type::kArray) {
    new (&array_) Array(std::move(other->array_));
  } else {
    new (&object_) Object(std::move(other->object_));
  }
  other->Clear();
}

void Value::Clear() noexcept {
  switch (type_) {
    case Type::kString:
      string_.~basic_string();
      break;
    case Type::kArray:
      array_.~Array();
      break;
    case Type::kObject:
      object_.~Object();
      break;
    default:
      break;
  }
  type_ = Type::kNull;
  new (&small_) Small();
}

void Value::set_source_text(absl::string_view text) {
  if (type_ >= Type::kString || text.size() > kSourceTextMax) return;
  small_.text_size = static_cast<uint8_t>(text.size());
  std::memcpy(small_.text, text.data(), text.size());
}

void Value::WrongType() { std::abort(); }

Value Value::Bool(bool value) {
  Value made;
  made.type_ = Type::kBool;
  made.small_.boolean = value;
  return made;
}

Value Value::Int(int64_t value) {
  Value made;
  made.type_ = Type::kInt;
  made.small_.integer = value;
  return made;
}

Value Value::Uint(uint64_t value) {
  if (value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return Int(static_cast<int64_t>(value));
  }
  Value made;
  made.type_ = Type::kUint;
  made.small_.large = value;
  return made;
}

Value Value::TakeString(std::string value) {
  Value made;
  made.type_ = Type::kString;
  new (&made.string_) std::string(std::move(value));
  return made;
}

Value Value::MakeArray(Array items) {
  Value made;
  made.type_ = Type::kArray;
  new (&made.array_) Array(std::move(items));
  return made;
}

Value Value::MakeObject(Object object) {
  Value made;
  made.type_ = Type::kObject;
  new (&made.object_) Object(std::move(object));
  return made;
}

Value Value::Double(double value) {
  constexpr double kExact = 9007199254740992;  // 2^53: up to here the integer is exact.
  Value made;
  made.type_ = Type::kDouble;
  made.small_.number = value;
  if (value != std::trunc(value) || std::fabs(value) >= 1e21) return made;
  if (std::fabs(value) <= kExact) return Int(static_cast<int64_t>(value));
  std::string text;
  AppendDouble(value, &text);
  int64_t integer = 0;
  if (absl::SimpleAtoi(text, &integer)) return Int(integer);
  uint64_t large = 0;
  if (absl::SimpleAtoi(text, &large)) return Uint(large);
  return made;
}

double Value::AsNumber() const {
  if (IsInt()) return static_cast<double>(AsInt());
  if (IsUint()) return static_cast<double>(AsUint());
  return AsDouble();
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
  if (a.type_ != b.type_) return false;
  switch (a.type_) {
    case Value::Type::kNull:
      return true;
    case Value::Type::kBool:
      return a.small_.boolean == b.small_.boolean;
    case Value::Type::kInt:
      return a.small_.integer == b.small_.integer;
    case Value::Type::kUint:
      return a.small_.large == b.small_.large;
    case Value::Type::kDouble:
      return a.small_.number == b.small_.number;
    case Value::Type::kString:
      return a.string_ == b.string_;
    case Value::Type::kArray:
      return a.array_ == b.array_;
    case Value::Type::kObject:
      return a.object_ == b.object_;
  }
  return false;
}

Object::Object() = default;
Object::Object(Object&& other) noexcept = default;
Object& Object::operator=(Object&& other) noexcept = default;
Object::~Object() = default;

Object::Object(const Object& other)
    : members_(other.members_),
      slots_(other.slots_ == nullptr ? nullptr
                                     : std::make_unique<std::vector<uint32_t>>(*other.slots_)) {}

Object& Object::operator=(const Object& other) {
  if (this != &other) *this = Object(other);
  return *this;
}

size_t Object::SlotOf(absl::string_view key) const {
  const std::vector<uint32_t>& slots = *slots_;
  const size_t mask = slots.size() - 1;
  size_t slot = absl::HashOf(key) & mask;
  while (slots[slot] != 0 && members_[slots[slot] - 1].key != key) slot = (slot + 1) & mask;
  return slot;
}

size_t Object::IndexOf(absl::string_view key) const {
  if (slots_ != nullptr) {
    const uint32_t position = (*slots_)[SlotOf(key)];
    return position == 0 ? members_.size() : position - 1;
  }
  for (size_t i = 0; i < members_.size(); ++i) {
    if (members_[i].key == key) return i;
  }
  return members_.size();
}

size_t Object::Reindex() {
  slots_.reset();
  if (members_.size() < kIndexFrom) return npos;
  size_t duplicate = npos;
  slots_ = std::make_unique<std::vector<uint32_t>>(absl::bit_ceil(members_.size() * 4));
  for (size_t i = 0; i < members_.size(); ++i) {
    uint32_t& slot = (*slots_)[SlotOf(members_[i].key)];
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
  slots_.reset();
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
  if (slots_ == nullptr || members_.size() * 2 > slots_->size()) {
    Reindex();
  } else {
    (*slots_)[SlotOf(members_.back().key)] = static_cast<uint32_t>(members_.size());
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
