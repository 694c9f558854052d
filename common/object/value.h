#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <absl/strings/string_view.h>

namespace lockstep {

class Value;

/// Where a value was read: 1-based line and column (in characters, at most 2^24 - 1) of the file it
/// came from; 0 where it was made by the program.
struct Place {
  uint32_t line = 0;
  uint32_t column = 0;
};

/// Members by key, in the order in which they were added. Lookup is by hash from 17 members on.
///
/// Comparison ignores order.
class Object {
 public:
  struct Member;
  static constexpr size_t npos = static_cast<size_t>(-1);

  Object();
  Object(const Object& other);
  Object& operator=(const Object& other);
  Object(Object&& other) noexcept;
  Object& operator=(Object&& other) noexcept;
  ~Object();

  /// Takes what has been collected elsewhere, in place of what is here. Returns the position of the
  /// first member whose key one before it has, or npos if all differ; all members are kept in any
  /// case, for messages.
  size_t Assign(std::vector<Member> members);

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

  size_t size() const;
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
  // A hash table of positions + 1 in members_, 0 where free, at most half full; null below
  // kIndexFrom members.
  std::unique_ptr<std::vector<uint32_t>> slots_;
};

/// The tree that every YAML and JSON document becomes: the only one in the program.
///
/// An ordinary value: copied deeply, compared by content (the place does not count), cheap to move
/// (what was moved from is null). Integers keep their 64 bits. Equal numbers are equal values, as
/// in Kubernetes, where everything goes through Go's JSON: 1.0 is 1.
///
/// A union by hand: half of the time of reading a manifest is making, moving and freeing these.
class Value {
 public:
  using Array = std::vector<Value>;
  enum class Type : uint8_t { kNull, kBool, kInt, kUint, kDouble, kString, kArray, kObject };

  Value() : type_(Type::kNull), small_() {}
  Value(const Value& other);
  Value& operator=(const Value& other);
  Value(Value&& other) noexcept : type_(Type::kNull), small_() { Take(&other); }
  Value& operator=(Value&& other) noexcept {
    if (type_ >= Type::kString) {
      Replace(&other);
    } else {
      Take(&other);
    }
    return *this;
  }
  ~Value() {
    if (type_ >= Type::kString) Clear();
  }

  static Value Null() { return Value(); }
  static Value Bool(bool value);
  static Value Int(int64_t value);
  /// Only what is over the largest int64_t is stored as kUint, so that equal numbers are equal
  /// values.
  static Value Uint(uint64_t value);
  /// `value` must be finite. What Go's encoding/json prints as an integer of 64 bits is that
  /// integer.
  static Value Double(double value);
  static Value String(absl::string_view value) { return TakeString(std::string(value)); }
  static Value TakeString(std::string value);
  static Value MakeArray(Array items = {});
  static Value MakeObject() { return MakeObject(Object()); }
  static Value MakeObject(Object object);

  Type type() const { return type_; }
  bool IsNull() const { return type_ == Type::kNull; }
  bool IsBool() const { return type_ == Type::kBool; }
  bool IsInt() const { return type_ == Type::kInt; }
  bool IsUint() const { return type_ == Type::kUint; }
  bool IsDouble() const { return type_ == Type::kDouble; }
  bool IsNumber() const { return IsInt() || IsUint() || IsDouble(); }
  bool IsString() const { return type_ == Type::kString; }
  bool IsArray() const { return type_ == Type::kArray; }
  bool IsObject() const { return type_ == Type::kObject; }
  /// "null", "boolean", "integer", "number", "string", "list" or "mapping": for messages.
  absl::string_view TypeName() const;

  // The content. The type must be the one that is asked for: anything else ends the program.
  bool AsBool() const { return Checked(Type::kBool).small_.boolean; }
  int64_t AsInt() const { return Checked(Type::kInt).small_.integer; }
  uint64_t AsUint() const { return Checked(Type::kUint).small_.large; }
  double AsDouble() const { return Checked(Type::kDouble).small_.number; }
  /// Any of the three kinds of number, as a double.
  double AsNumber() const;
  const std::string& AsString() const { return Checked(Type::kString).string_; }
  const Array& AsArray() const { return Checked(Type::kArray).array_; }
  Array& AsArray() { return const_cast<Array&>(Checked(Type::kArray).array_); }
  const Object& AsObject() const { return Checked(Type::kObject).object_; }
  Object& AsObject() { return const_cast<Object&>(Checked(Type::kObject).object_); }

  /// The member `key` of an object; null where this is no object or has no such member.
  const Value* Find(absl::string_view key) const;
  Value* Find(absl::string_view key);
  /// The string member `key`, or "" where there is none or it is no string.
  absl::string_view StringAt(absl::string_view key) const;

  Place place() const { return {line_, column_}; }
  void set_place(Place place) {
    line_ = place.line;
    column_ = std::min<uint32_t>(place.column, 0xffffff);
  }

  /// The text that a null, boolean or number was written as ("~", "True", "1.10"), where the reader
  /// was asked to keep it; "" otherwise, and where it is longer than kSourceTextMax. Valid until
  /// the value changes. Does not count for equality.
  absl::string_view source_text() const {
    return type_ < Type::kString ? absl::string_view(small_.text, small_.text_size)
                                 : absl::string_view();
  }
  /// Does nothing on strings, lists and mappings. A text that is too long is not kept.
  void set_source_text(absl::string_view text);
  static constexpr size_t kSourceTextMax = 23;

  /// A string that was written as a plain date or time, where the reader was asked to tell. Does
  /// not count for equality.
  bool is_plain_time() const { return plain_time_; }
  void set_plain_time(bool plain_time) { plain_time_ = plain_time; }

  /// A string that was written in quotes or as a block, where the reader was asked to tell. Does
  /// not count for equality.
  bool is_quoted() const { return quoted_; }
  void set_quoted(bool quoted) { quoted_ = quoted; }

  friend bool operator==(const Value& a, const Value& b);

 private:
  // What is no string, list or mapping, and the text that it was written as.
  struct Small {
    union {
      bool boolean;
      int64_t integer = 0;
      uint64_t large;
      double number;
    };
    uint8_t text_size = 0;
    char text[kSourceTextMax];
  };

  /// Moves the content of `other` here, where there is none yet, and leaves it null.
  void Take(Value* other) noexcept {
    line_ = other->line_;
    column_ = other->column_;
    plain_time_ = other->plain_time_;
    quoted_ = other->quoted_;
    if (other->type_ == Type::kString) return TakeText(other);
    if (other->type_ > Type::kString) return TakeContent(other);
    type_ = other->type_;
    small_ = other->small_;
  }
  void TakeContent(Value* other) noexcept;
  void TakeText(Value* other) noexcept {
    type_ = Type::kString;
    new (&string_) std::string(std::move(other->string_));
    other->string_.~basic_string();
    other->type_ = Type::kNull;
    new (&other->small_) Small();
  }
  void Replace(Value* other) noexcept;
  /// Frees the content; null afterwards.
  void Clear() noexcept;

  const Value& Checked(Type type) const {
    if (type_ != type) WrongType();
    return *this;
  }
  [[noreturn]] static void WrongType();

  uint32_t line_ = 0;
  uint32_t column_ : 24 = 0;
  Type type_ : 6;
  bool plain_time_ : 1 = false;
  bool quoted_ : 1 = false;
  union {
    Small small_;
    std::string string_;
    Array array_;
    Object object_;
  };
};

struct Object::Member {
  std::string key;
  Value value;
};

inline size_t Object::size() const { return members_.size(); }

}  // namespace lockstep
