#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "common/bundle/link.h"
#include "common/bundle/manifest.h"
#include "common/object/object_key.h"

namespace lockstep {

/// The objects of one folder: name of a ConfigMap → its content.
using Folder = std::map<std::string, std::string>;

ObjectKey Key(const std::string& name);
std::string ObjectBytes(const std::string& name, const std::string& value);
ManifestPtr MakeManifest(const Folder& folder);

/// What an agent does with what it is sent, in few lines: it applies deltas, keeps tombstones that
/// the guard holds, drops those that another of its applications names, and says so.
class FakeAgent {
 public:
  struct Application {
    uint64_t generation = 0;
    ManifestPtr manifest = EmptyManifest();
    Digest options;
    std::set<ObjectKey> tombstones;
    std::set<ObjectKey> inventory;  // What it wrote and did not delete.
    bool releasing = false;
  };

  std::map<std::string, Application> applications;
  std::map<std::string, Application> left;  // Let go of, with objects that stay.
  CommitPoint seen;
  std::set<Digest> revoked;  // Keys that it was told of.
  uint64_t start_counter = 1;
  uint64_t desired_seq = 0;
  uint64_t status_seq = 0;
  std::string target_uid = std::string(16, 'u');
  std::vector<ObjectKey> deleted;  // Carried out, ever.
  size_t targets_taken = 0;        // Generations accepted, ever.

  Digest Root() const;
  Hello SayHello() const;
  /// Takes a Desired and says what follows: an Ack, then a Status.
  std::vector<std::variant<Ack, StatusReport, Beat, Pages>> Take(const Desired& desired);
  Pages TellPages() const;
  /// Everything again, as after its own restart.
  StatusReport SayAll();

 private:
  ApplicationReport Report(const std::string& name, const std::optional<Digest>& approved);

  std::map<std::string, size_t> objects_before_;
  std::map<std::string, ApplicationReport> said_;  // The last of each.
};

}  // namespace lockstep
