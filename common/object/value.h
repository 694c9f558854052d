#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <absl/strings/string_view.h>

namespace lockstep {

class Object;

/// Where a value was read: 1-based line and column of the file it came from; 0 where it was made by
/// the program.
struct Place {
  uint32_t line = 0;
  uint32_t column = 0;
};

/// The tree that every YAML and JSON document becomes: the only one in the program.
///
/// An ordinary value: copied deeply, compared by content (the place does not count), cheap to move.
/// Integers keep their 64 bits. Equal numbers are equal values, as in Kubernetes, where everything
/// goes through Go's JSON: 1.0 is 1.
class Value {
 public:
  using Array = std::vector<Value>;
  enum class Type : uint8_t { kNull, kBool, kInt, kUint, kDouble, kString, kArray, kObject };

  Value() = default;
  Value(const Value& other);
  Value& operator=(const Value& other);
  Value(Value&&) noexcept = default;
  Value& operator=(Value&&) noexcept = default;
  ~Value() = default;

  static Value Null() { return Value(); }
  static Value Bool(bool value) { return Value(Data(value)); }
  static Value Int(int64_t value) { return Value(Data(value)); }
  /// Only what is over the largest int64_t is stored as kUint, so that equal numbers are equal
  /// values.
  static Value Uint(uint64_t value);
  /// `value` must be finite. What Go's encoding/json prints as an integer of 64 bits is that
  /// integer.
  static Value Double(double value);
  static Value String(absl::string_view value) { return Value(Data(std::string(value))); }
  static Value TakeString(std::string value) { return Value(Data(std::move(value))); }
  static Value MakeArray(Array items = {}) { return Value(Data(std::move(items))); }
  static Value MakeObject();
  static Value MakeObject(Object object);

  Type type() const { return static_cast<Type>(data_.index()); }
  bool IsNull() const { return type() == Type::kNull; }
  bool IsBool() const { return type() == Type::kBool; }
  bool IsInt() const { return type() == Type::kInt; }
  bool IsUint() const { return type() == Type::kUint; }
  bool IsDouble() const { return type() == Type::kDouble; }
  bool IsNumber() const { return IsInt() || IsUint() || IsDouble(); }
  bool IsString() const { return type() == Type::kString; }
  bool IsArray() const { return type() == Type::kArray; }
  bool IsObject() const { return type() == Type::kObject; }
  /// "null", "boolean", "integer", "number", "string", "list" or "mapping": for messages.
  absl::string_view TypeName() const;

  // The content. The type must be the one that is asked for.
  bool AsBool() const { return std::get<bool>(data_); }
  int64_t AsInt() const { return std::get<int64_t>(data_); }
  uint64_t AsUint() const { return std::get<uint64_t>(data_); }
  double AsDouble() const { return std::get<double>(data_); }
  /// Any of the three kinds of number, as a double.
  double AsNumber() const;
  const std::string& AsString() const { return std::get<std::string>(data_); }
  const Array& AsArray() const { return std::get<Array>(data_); }
  Array& AsArray() { return std::get<Array>(data_); }
  const Object& AsObject() const { return *std::get<std::unique_ptr<Object>>(data_); }
  Object& AsObject() { return *std::get<std::unique_ptr<Object>>(data_); }

  /// The member `key` of an object; null where this is no object or has no such member.
  const Value* Find(absl::string_view key) const;
  Value* Find(absl::string_view key);
  /// The string member `key`, or "" where there is none or it is no string.
  absl::string_view StringAt(absl::string_view key) const;

  Place place() const { return place_; }
  void set_place(Place place) { place_ = place; }

  friend bool operator==(const Value& a, const Value& b);

 private:
  using Data = std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string, Array,
                            std::unique_ptr<Object>>;

  explicit Value(Data data) : data_(std::move(data)) {}

  Data data_;
  Place place_;
};

/// Members by key, in the order in which they were added. Lookup is by hash from 17 members on.
///
/// Comparison ignores order.
class Object {
 public:
  struct Member {
    std::string key;
    Value value;
  };

  /// Takes what has been collected elsewhere, in place of what is here. Returns the position of the
  /// first member whose key one before it has, or npos if all differ; all members are kept in any
  /// case, for messages.
  size_t Assign(std::vector<Member> members);
  static constexpr size_t npos = static_cast<size_t>(-1);

  /// Adds or replaces; the place in the order stays on a replace. Returns the stored value, valid
  /// until the next change.
  Value& Set(absl::string_view key, Value value);
  /// As Set for a key that is not there yet: false, and nothing added, where it is.
  bool Add(std::string key, Value value);
  /// Whether there was one. O(size).
  bool Remove(absl::string_view key);

  const Value* Find(absl::string_view key) const;
  Value* Find(absl::string_view key);
  bool Contains(absl::string_view key) const { return Find(key) != nullptr; }

  size_t size() const { return members_.size(); }
  bool empty() const { return members_.empty(); }
  std::vector<Member>::const_iterator begin() const { return members_.begin(); }
  std::vector<Member>::const_iterator end() const { return members_.end(); }
  std::vector<Member>::iterator begin() { return members_.begin(); }
  std::vector<Member>::iterator end() { return members_.end(); }

  friend bool operator==(const Object& a, const Object& b);

 private:
  static constexpr size_t kIndexFrom = 17;

  /// The first member with this key, or size().
  size_t IndexOf(absl::string_view key) const;
  /// The slot that holds the key's position, or the free one where it belongs.
  size_t SlotOf(absl::string_view key) const;
  /// Makes the table anew, if there are enough members. Returns the first duplicate's position, or
  /// npos.
  size_t Reindex();

  std::vector<Member> members_;
  // A hash table of positions + 1 in members_, 0 where free, at most half full; empty below
  // kIndexFrom members.
  std::vector<uint32_t> slots_;
};

}  // namespace lockstep
