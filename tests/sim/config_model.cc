#include "tests/sim/config_model.h"

#include <absl/strings/str_format.h>

namespace lockstep::sim {

void ConfigModel::Commit() {
  head_ = absl::StrFormat("cf%038x", commits_.size() + 1);
  commits_[head_] = {now, broken};
}

event::ConfigRead ConfigModel::Read(const effect::ReadConfig& read) const {
  const Stored& stored = commits_.at(read.commit);
  event::ConfigRead done;
  done.job = read.job;
  done.revision = read.revision;
  for (const auto& [key, declared] : stored.declared) {
    if (stored.broken && done.errors.empty()) {
      done.errors.push_back({declared.place, "1:1: this is no YAML"});
    } else {
      done.resources.push_back(declared);
    }
  }
  return done;
}

}  // namespace lockstep::sim
