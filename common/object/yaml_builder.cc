#include "common/object/yaml_builder.h"

#include <algorithm>
#include <utility>

#include <absl/strings/str_cat.h>

#include "common/base/status.h"

namespace lockstep {
namespace {

constexpr size_t kBytesPerNode = 64;  // So much text that an alias repeats counts as a value.

}  // namespace

absl::Status YamlBuilder::Annotated(const absl::Status& status, Place place) const {
  return Annotate(status, absl::StrCat(source_.file(), ":", place.line - options_.line_base, ":",
                                       place.column));
}

absl::Status YamlBuilder::CountNodes(size_t count, Place place) {
  if (count > limits_.nodes - nodes_) {
    return source_.Error(
        place, absl::StrCat("more than ", limits_.nodes, " values, what aliases repeat included"),
        "split the file", absl::StatusCode::kResourceExhausted);
  }
  nodes_ += count;
  return absl::OkStatus();
}

absl::Status YamlBuilder::BeginDocument(Place place) {
  if (documents_.size() < limits_.documents) return absl::OkStatus();
  return source_.Error(place, absl::StrCat("more than ", limits_.documents, " documents"),
                       "split the file", absl::StatusCode::kResourceExhausted);
}

void YamlBuilder::EndDocument() {
  documents_.push_back(std::move(root_));
  root_ = Value();
  anchors_.clear();
  anchor_names_.clear();
  kept_.clear();
}

absl::StatusOr<YamlScalar> YamlBuilder::Resolve(const Scalar& scalar) const {
  if (!scalar.tag.empty()) {
    auto resolved = ResolveTagged(scalar.tag, scalar.text);
    if (!resolved.ok()) return Annotated(resolved.status(), scalar.place);
    return resolved;
  }
  YamlScalar resolved;
  if (scalar.plain) {
    resolved = IsGoYaml3() ? ResolvePlainGoYaml3(scalar.text) : ResolvePlain(scalar.text);
  }
  if (resolved.kind == YamlScalar::Kind::kString) {
    resolved.text.assign(scalar.text.data(), scalar.text.size());
  }
  return resolved;
}

absl::Status YamlBuilder::AddScalar(const Scalar& scalar) {
  const bool is_key = !frames_.empty() && frames_.back().awaits == Awaits::kKey;
  if (is_key && scalar.merge) {
    items_.push_back({.key_place = scalar.place, .merge = true});
    frames_.back().awaits = Awaits::kMerge;
    frames_.back().merges = true;
    return absl::OkStatus();
  }
  if (!is_key) LOCKSTEP_RETURN_IF_ERROR(CountNodes(1, scalar.place));
  bytes_ += scalar.text.size();
  // Nearly all scalars: a string, seen by its first byte.
  if (scalar.tag.empty() && scalar.anchor.empty() && !(scalar.plain && MayResolve(scalar.text))) {
    if (is_key) {
      items_.emplace_back();
      items_.back().member.key.assign(scalar.text.data(), scalar.text.size());
      items_.back().key_place = scalar.place;
      frames_.back().awaits = Awaits::kValue;
      return absl::OkStatus();
    }
    Value value = Value::String(scalar.text);
    value.set_place(scalar.place);
    value.set_quoted(scalar.quoted && options_.keep_source_text);
    return AddValue(std::move(value), 0);
  }
  LOCKSTEP_ASSIGN_OR_RETURN(YamlScalar resolved, Resolve(scalar));
  if (is_key) {
    if (!scalar.anchor.empty()) {
      NameAnchor(
          scalar.anchor,
          {.nodes = 1, .bytes = scalar.text.size(), .place = scalar.place, .scalar = resolved});
    }
    return AddKey(std::move(resolved), scalar.place);
  }
  absl::StatusOr<Value> value = ScalarValue(resolved);
  if (!value.ok()) return Annotated(value.status(), scalar.place);
  value->set_place(scalar.place);
  if (options_.keep_source_text) KeepSourceText(scalar, resolved.kind, &*value);
  if (!scalar.anchor.empty()) {
    NameAnchor(scalar.anchor, {.nodes = 1,
                               .bytes = scalar.text.size(),
                               .place = scalar.place,
                               .scalar = std::move(resolved),
                               .value = *value});
  }
  return AddValue(*std::move(value), 0);
}

void YamlBuilder::KeepSourceText(const Scalar& scalar, YamlScalar::Kind kind, Value* value) const {
  if (kind == YamlScalar::Kind::kString) {
    value->set_plain_time(scalar.plain && IsTimestamp(scalar.text));
    value->set_quoted(scalar.quoted);
  } else {
    value->set_source_text(scalar.text);
  }
}

absl::Status YamlBuilder::AddKey(YamlScalar scalar, Place place) {
  const bool integer =
      scalar.kind == YamlScalar::Kind::kInt || scalar.kind == YamlScalar::Kind::kUint;
  if (IsGoYaml3() && !options_.any_key && scalar.kind != YamlScalar::Kind::kString &&
      !(integer && frames_.size() == 1)) {
    return Error(place, "this key is no text, which kustomize refuses", "quote it");
  }
  absl::StatusOr<std::string> key = ScalarKey(std::move(scalar));
  if (!key.ok()) return Annotated(key.status(), place);
  items_.push_back({.member = {.key = *std::move(key)}, .key_place = place});
  frames_.back().awaits = Awaits::kValue;
  return absl::OkStatus();
}

absl::Status YamlBuilder::AddValue(Value&& value, uint32_t height) {
  if (frames_.empty()) {
    root_ = std::move(value);
    return absl::OkStatus();
  }
  Frame& frame = frames_.back();
  switch (frame.awaits) {
    case Awaits::kItem:
      items_.emplace_back();
      items_.back().member.value = std::move(value);
      break;
    case Awaits::kKey:
      return Error(value.place(), absl::StrCat("a ", value.TypeName(), " cannot be a key"),
                   "make it text");
    case Awaits::kValue:
    case Awaits::kMerge:
      items_.back().member.value = std::move(value);
      frame.awaits = Awaits::kKey;
      break;
  }
  frame.height = std::max(frame.height, height);
  return absl::OkStatus();
}

absl::Status YamlBuilder::Begin(Kind kind, absl::string_view anchor, Place place) {
  if (!frames_.empty() && frames_.back().awaits == Awaits::kKey) {
    const char* const what = kind == Kind::kList ? "list" : "mapping";
    return Error(place, absl::StrCat("a ", what, " cannot be a key"), "make it text");
  }
  if (frames_.size() >= limits_.depth) {
    return source_.Error(place, absl::StrCat("too deep: more than ", limits_.depth, " levels"),
                         "flatten it", absl::StatusCode::kResourceExhausted);
  }
  LOCKSTEP_RETURN_IF_ERROR(CountNodes(1, place));
  Frame frame = {.awaits = kind == Kind::kList ? Awaits::kItem : Awaits::kKey,
                 .place = place,
                 .first_item = items_.size(),
                 .nodes_before = nodes_ - 1,
                 .bytes_before = bytes_};
  if (!anchor.empty()) frame.anchor = NameAnchor(anchor, {.open = true, .place = place});
  frames_.push_back(frame);
  return absl::OkStatus();
}

absl::Status YamlBuilder::End() {
  const Frame frame = frames_.back();
  Value value;
  if (frame.awaits == Awaits::kItem) {
    Value::Array array;
    array.reserve(items_.size() - frame.first_item);
    for (size_t i = frame.first_item; i < items_.size(); ++i) {
      array.push_back(std::move(items_[i].member.value));
    }
    value = Value::MakeArray(std::move(array));
  } else {
    value = Value::MakeObject();
    LOCKSTEP_RETURN_IF_ERROR(FinishMapping(frame, &value.AsObject()));
  }
  value.set_place(frame.place);
  items_.resize(frame.first_item);
  frames_.pop_back();
  // What is written inside of a merge key is copied out of it, at each such level once more.
  if (!frames_.empty() && frames_.back().awaits == Awaits::kMerge) {
    const size_t text_nodes = (bytes_ - frame.bytes_before) / kBytesPerNode;
    LOCKSTEP_RETURN_IF_ERROR(CountNodes(nodes_ - frame.nodes_before + text_nodes, frame.place));
  }
  const uint32_t height = frame.height + 1;
  if (frame.anchor != kNone) {
    Anchor& anchor = anchors_[frame.anchor];
    anchor.open = false;
    anchor.height = height;
    anchor.nodes = nodes_ - frame.nodes_before;
    anchor.bytes = bytes_ - frame.bytes_before;
    if (value.IsObject()) {
      anchor.kind = Kind::kMapping;
      anchor.members = value.AsObject().empty() ? nullptr : &*value.AsObject().begin();
      anchor.size = value.AsObject().size();
    } else {
      anchor.items = value.AsArray().data();
      anchor.size = value.AsArray().size();
    }
  }
  return AddValue(std::move(value), height);
}

absl::Status YamlBuilder::FinishMapping(const Frame& frame, Object* object) {
  if (frame.merges || options_.last_key_wins) return FinishMerged(frame, object);
  std::vector<Object::Member> members;
  members.reserve(items_.size() - frame.first_item);
  for (size_t i = frame.first_item; i < items_.size(); ++i) {
    members.push_back(std::move(items_[i].member));
  }
  const size_t duplicate = object->Assign(std::move(members));
  if (duplicate == Object::npos) return absl::OkStatus();
  const auto again = object->begin() + static_cast<std::ptrdiff_t>(duplicate);
  const auto first = std::find_if(object->begin(), again, [&again](const Object::Member& member) {
    return member.key == again->key;
  });
  const Item* const items = &items_[frame.first_item];
  return Duplicate(again->key, items[duplicate].key_place,
                   items[first - object->begin()].key_place);
}

// In go-yaml 2 what comes later wins: a merge replaces the keys before it too. With kustomize what
// is written wins, wherever the merge stands.
absl::Status YamlBuilder::FinishMerged(const Frame& frame, Object* object) {
  absl::flat_hash_map<absl::string_view, Place> written;
  if (IsGoYaml3()) {
    for (size_t i = frame.first_item; i < items_.size(); ++i) {
      if (items_[i].merge) LOCKSTEP_RETURN_IF_ERROR(Merge(&items_[i], object));
    }
  }
  for (size_t i = frame.first_item; i < items_.size(); ++i) {
    Item& item = items_[i];
    if (item.merge) {
      if (!IsGoYaml3()) LOCKSTEP_RETURN_IF_ERROR(Merge(&item, object));
      continue;
    }
    const auto [first, is_new] = written.emplace(item.member.key, item.key_place);
    if (!is_new && !options_.last_key_wins) {
      return Duplicate(item.member.key, item.key_place, first->second);
    }
    if (Value* const there = object->Find(item.member.key)) {
      kept_.push_back(std::exchange(*there, std::move(item.member.value)));
    } else {
      object->Set(item.member.key, std::move(item.member.value));
    }
  }
  return absl::OkStatus();
}

absl::Status YamlBuilder::Merge(Item* item, Object* object) {
  kept_.push_back(std::move(item->member.value));
  const Value& merged = kept_.back();
  if (merged.IsObject()) {
    MergeMapping(merged, object);
    return absl::OkStatus();
  }
  bool mappings = merged.IsArray();
  if (mappings) {
    for (const Value& part : merged.AsArray()) mappings = mappings && part.IsObject();
  }
  if (!mappings) {
    return Error(item->key_place, "\"<<\" merges a mapping or a list of mappings, nothing else",
                 "quote the key if it is meant as text");
  }
  // The first of a list wins.
  const Value::Array& parts = merged.AsArray();
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) MergeMapping(*part, object);
  return absl::OkStatus();
}

void YamlBuilder::MergeMapping(const Value& mapping, Object* object) {
  for (const Object::Member& member : mapping.AsObject()) {
    if (Value* const there = object->Find(member.key)) {
      kept_.push_back(std::exchange(*there, member.value));
    } else {
      object->Set(member.key, member.value);
    }
  }
}

absl::Status YamlBuilder::Duplicate(absl::string_view key, Place place, Place first) const {
  return Error(place,
               absl::StrCat("the key \"", key, "\" already stands in line ",
                            first.line - options_.line_base),
               "remove one of the two");
}

uint32_t YamlBuilder::NameAnchor(absl::string_view name, Anchor anchor) {
  const auto position = static_cast<uint32_t>(anchors_.size());
  anchors_.push_back(std::move(anchor));
  anchor_names_[name] = position;
  return position;
}

absl::Status YamlBuilder::AddAlias(absl::string_view name, Place place) {
  const auto found = anchor_names_.find(name);
  if (found == anchor_names_.end()) {
    return Error(place, absl::StrCat("no anchor &", name, " stands before this alias"),
                 "add it or write the value out");
  }
  const Anchor& anchor = anchors_[found->second];
  if (anchor.open) {
    return Error(place, absl::StrCat("*", name, " would contain itself"), "write the value out");
  }
  const bool is_key = !frames_.empty() && frames_.back().awaits == Awaits::kKey;
  // Long texts must not multiply either, be they values or keys.
  const size_t text_nodes = anchor.bytes / kBytesPerNode;
  if (is_key && anchor.height == 0) {
    LOCKSTEP_RETURN_IF_ERROR(CountNodes(text_nodes, place));
    bytes_ += anchor.bytes;
    return AddKey(anchor.scalar, place);
  }
  if (frames_.size() + anchor.height > limits_.depth) {
    return source_.Error(
        place, absl::StrCat("too deep: *", name, " makes more than ", limits_.depth, " levels"),
        "flatten it", absl::StatusCode::kResourceExhausted);
  }
  LOCKSTEP_RETURN_IF_ERROR(CountNodes(anchor.nodes + text_nodes, place));
  bytes_ += anchor.bytes;
  absl::StatusOr<Value> value = Repeat(anchor);
  if (!value.ok()) return Annotated(value.status(), anchor.place);
  value->set_place(anchor.place);
  return AddValue(*std::move(value), anchor.height);
}

absl::StatusOr<Value> YamlBuilder::Repeat(const Anchor& anchor) const {
  if (anchor.height == 0) return anchor.value;
  if (anchor.kind == Kind::kList) {
    return Value::MakeArray(Value::Array(anchor.items, anchor.items + anchor.size));
  }
  Object object;
  object.Assign({anchor.members, anchor.members + anchor.size});
  return Value::MakeObject(std::move(object));
}

}  // namespace lockstep
