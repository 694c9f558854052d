#include "common/health/rules.h"

#include <algorithm>
#include <map>
#include <utility>

#include <absl/container/flat_hash_map.h>
#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "common/health/shipped.h"

namespace lockstep {
namespace {

bool IsPattern(absl::string_view key) { return key.find_first_of("*?") != absl::string_view::npos; }

// Whether `pattern` with '*' and '?' stands for the whole of `text`. A star that was passed is
// never taken up again once another one stands, so this takes at most |pattern| × |text| steps.
bool GlobMatches(absl::string_view pattern, absl::string_view text) {
  size_t p = 0;
  size_t t = 0;
  size_t star = absl::string_view::npos;
  size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != absl::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

absl::Status CheckKey(absl::string_view key, absl::string_view origin) {
  const auto bad = [&](absl::string_view why) {
    return absl::InvalidArgumentError(
        absl::StrCat(origin, ": the key \"", key, "\" of a health rule ", why,
                     "; write GROUP/KIND, or KIND for the core group, with * and ? as wildcards"));
  };
  if (key.empty()) return bad("is empty");
  if (key.size() > 512) return bad("is longer than 512 bytes");
  for (const char c : key) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) &&
        absl::string_view("*?./-").find(c) == absl::string_view::npos) {
      return bad(absl::StrCat("holds '", std::string(1, c), "'"));
    }
  }
  const size_t slashes = static_cast<size_t>(std::count(key.begin(), key.end(), '/'));
  if (slashes > 1 || key.front() == '/' || key.back() == '/') return bad("has no two parts");
  return absl::OkStatus();
}

std::string KeyOf(absl::string_view group, absl::string_view kind) {
  return group.empty() ? std::string(kind) : absl::StrCat(group, "/", kind);
}

}  // namespace

class HealthRules::Table {
 public:
  void Set(absl::string_view key, LuaRule rule) {
    if (IsPattern(key)) {
      const auto literal = static_cast<int>(key.size()) -
                           static_cast<int>(std::count_if(key.begin(), key.end(), [](char c) {
                             return c == '*' || c == '?';
                           }));
      patterns_.insert_or_assign({-literal, std::string(key)}, std::move(rule));
    } else {
      exact_.insert_or_assign(std::string(key), std::move(rule));
    }
  }

  const LuaRule* Find(absl::string_view group, absl::string_view kind) const {
    if (size() == 0) return nullptr;
    const std::string key = KeyOf(group, kind);
    if (const auto at = exact_.find(key); at != exact_.end()) return &at->second;
    for (const auto& [order, rule] : patterns_) {
      if (GlobMatches(order.second, key)) return &rule;
    }
    return nullptr;
  }

  size_t size() const { return exact_.size() + patterns_.size(); }

 private:
  absl::flat_hash_map<std::string, LuaRule> exact_;
  // By the negative count of literal characters, then by key: the first that matches is the one.
  std::map<std::pair<int, std::string>, LuaRule> patterns_;
};

HealthRules::HealthRules() : user_(std::make_unique<Table>()) {}
HealthRules::~HealthRules() = default;
HealthRules::HealthRules(HealthRules&&) noexcept = default;
HealthRules& HealthRules::operator=(HealthRules&&) noexcept = default;

size_t HealthRules::size() const { return user_->size(); }

absl::Status HealthRules::Add(absl::string_view key, absl::string_view script,
                              absl::string_view origin) {
  LOCKSTEP_RETURN_IF_ERROR(CheckKey(key, origin));
  LOCKSTEP_ASSIGN_OR_RETURN(LuaRule rule, LuaRule::Compile(script, origin));
  user_->Set(key, std::move(rule));
  return absl::OkStatus();
}

const LuaRule* HealthRules::FindUserRule(absl::string_view group, absl::string_view kind) const {
  return user_->Find(group, kind);
}

const LuaRule* HealthRules::FindShippedRule(absl::string_view group, absl::string_view kind) {
  return Shipped().Find(group, kind);
}

const HealthRules::Table& HealthRules::Shipped() {
  static const Table* const table = [] {
    auto* made = new Table();
    for (const ShippedRule& rule : ShippedRules()) {
      absl::StatusOr<LuaRule> compiled =
          LuaRule::Compile(rule.script, absl::StrCat("shipped ", rule.key));
      // A test compiles them all.
      if (compiled.ok()) made->Set(rule.key, *std::move(compiled));
    }
    return made;
  }();
  return *table;
}

std::vector<std::string> ShippedHealthRules() {
  std::vector<std::string> keys;
  for (const ShippedRule& rule : ShippedRules()) keys.emplace_back(rule.key);
  std::sort(keys.begin(), keys.end());
  return keys;
}

}  // namespace lockstep
