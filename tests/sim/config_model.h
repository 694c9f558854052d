#pragma once

#include <map>
#include <string>

#include "hub/core/effect.h"
#include "hub/core/event.h"

namespace lockstep::sim {

/// The configuration repository of a hub that has one: what it declares, commit by commit, a file
/// for each resource.
class ConfigModel {
 public:
  // What the next commit holds.
  std::map<ResourceKey, DeclaredResource> now;
  bool broken = false;  // Its first file cannot be read.

  void Commit();
  const std::string& head() const { return head_; }
  event::ConfigRead Read(const effect::ReadConfig& read) const;

 private:
  struct Stored {
    std::map<ResourceKey, DeclaredResource> declared;
    bool broken = false;
  };
  std::string head_;
  std::map<std::string, Stored> commits_;
};

}  // namespace lockstep::sim
