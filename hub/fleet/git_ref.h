#pragma once

#include <string>

namespace lockstep {

/// What to follow in a repository, as spec.ref of a GitRepository: one of branch, tag, semver,
/// name, commit; or commit beside branch or name; or nothing, which is the remote's HEAD.
struct GitRef {
  std::string branch;
  std::string tag;
  std::string semver;
  std::string name;    // A full ref name: refs/heads/main.
  std::string commit;  // 40 hex digits.

  friend bool operator==(const GitRef&, const GitRef&) = default;
};

}  // namespace lockstep
