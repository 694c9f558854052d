#include "common/render/path.h"

#include <cstddef>
#include <utility>

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include "common/base/status.h"
#include "common/text/names.h"
#include "common/text/nearest.h"
#include "common/text/utf8.h"

namespace lockstep {
namespace {

constexpr size_t kPathBytesMax = 4096;
constexpr size_t kPathPartsMax = 100;
constexpr absl::string_view kNamePlaceholder = "cluster.name";
constexpr absl::string_view kLabelPlaceholder = "cluster.labels.";

absl::Status Refused(absl::string_view path, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("path \"", absl::CHexEscape(path.substr(0, 200)),
                                                 path.size() > 200 ? "…" : "", "\" ", why));
}

// Some reader on the way could take these for a dot, a separator or an end.
bool HasEscape(absl::string_view path) {
  const std::string lower = absl::AsciiStrToLower(path);
  for (const absl::string_view escape : {"%2e", "%2f", "%5c", "%00", "%25"}) {
    if (absl::StrContains(lower, escape)) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<std::string> NormalizePath(absl::string_view path) {
  if (path.size() > kPathBytesMax) return Refused(path, "has more than 4,096 bytes");
  if (!IsUtf8(path)) return Refused(path, "is no UTF-8");
  for (const unsigned char c : path) {
    if (absl::ascii_iscntrl(c)) return Refused(path, "holds a control character");
    if (c == '\\') return Refused(path, "holds a backslash; separate parts with \"/\"");
  }
  if (absl::StartsWithIgnoreCase(path, "file:") || absl::StrContains(path, "://")) {
    return Refused(path, "is a URL; write a path inside the repository");
  }
  if (absl::StartsWith(path, "/")) {
    return Refused(path, "is absolute; write it from the root of the repository, without \"/\"");
  }
  if (HasEscape(path)) return Refused(path, "holds an escaped dot, separator or NUL");

  std::vector<absl::string_view> parts;
  for (const absl::string_view part : absl::StrSplit(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") return Refused(path, "holds \"..\"; it must stay inside the repository");
    parts.push_back(part);
  }
  if (parts.size() > kPathPartsMax) return Refused(path, "has more than 100 parts");
  return absl::StrJoin(parts, "/");
}

absl::StatusOr<PathTemplate> PathTemplate::Parse(absl::string_view text) {
  PathTemplate result;
  result.text_ = std::string(text);
  std::string literal;
  const auto end_literal = [&] {
    if (!literal.empty()) result.pieces_.push_back({Piece::Kind::kLiteral, std::move(literal)});
    literal.clear();
  };
  for (absl::string_view rest = text; !rest.empty();) {
    if (absl::ConsumePrefix(&rest, "$${")) {
      literal += "${";
      continue;
    }
    if (!absl::ConsumePrefix(&rest, "${")) {
      literal += rest[0];
      rest.remove_prefix(1);
      continue;
    }
    end_literal();
    const size_t brace = rest.find('}');
    if (brace == absl::string_view::npos) {
      return Refused(text, "has a \"${\" without \"}\"; write $${ for a literal ${");
    }
    absl::string_view name = rest.substr(0, brace);
    rest.remove_prefix(brace + 1);
    if (name == kNamePlaceholder) {
      result.pieces_.push_back({Piece::Kind::kName, ""});
    } else if (absl::ConsumePrefix(&name, kLabelPlaceholder)) {
      if (const absl::Status status = CheckLabelKey(name); !status.ok()) {
        return Refused(text, status.message());
      }
      result.pieces_.push_back({Piece::Kind::kLabel, std::string(name)});
    } else {
      const std::string near = NearestWord(name, {"cluster.name", "cluster.labels.KEY"});
      return Refused(text, absl::StrCat("has the unknown placeholder ${", absl::CHexEscape(name),
                                        near.empty() ? "}" : "}; did you mean ${", near,
                                        near.empty() ? "" : "}?"));
    }
  }
  end_literal();

  // With harmless values for the placeholders: what is refused now no cluster can make right.
  std::string probe;
  for (const Piece& piece : result.pieces_) {
    probe += piece.kind == Piece::Kind::kLiteral ? piece.text : "x";
  }
  LOCKSTEP_RETURN_IF_ERROR(NormalizePath(probe).status());
  return result;
}

absl::StatusOr<std::string> PathTemplate::Expand(const ClusterFacts& cluster) const {
  std::string path;
  for (const Piece& piece : pieces_) {
    if (piece.kind == Piece::Kind::kLiteral) {
      path += piece.text;
      continue;
    }
    absl::string_view value = cluster.name;
    if (piece.kind == Piece::Kind::kLabel) {
      const auto label = cluster.labels.find(piece.text);
      if (label == cluster.labels.end() || label->second.empty()) {
        return Refused(
            text_, absl::StrCat("needs the label ", piece.text, ", which cluster ", cluster.name,
                                label == cluster.labels.end() ? " lacks" : " has empty",
                                "; set it with `lockstep cluster label`"));
      }
      value = label->second;
    }
    if (const absl::Status status = CheckLabelValue(value); !status.ok() || value.empty()) {
      return Refused(text_, absl::StrCat("gets an unusable value on cluster ", cluster.name, ": ",
                                         value.empty() ? "it is empty" : status.message()));
    }
    absl::StrAppend(&path, value);
  }
  return NormalizePath(path);
}

bool PathTemplate::HasPlaceholders() const {
  for (const Piece& piece : pieces_) {
    if (piece.kind != Piece::Kind::kLiteral) return true;
  }
  return false;
}

}  // namespace lockstep
