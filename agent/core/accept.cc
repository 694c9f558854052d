#include "agent/core/accept.h"

#include <algorithm>
#include <optional>

#include <absl/strings/str_cat.h>

#include "agent/core/deletes.h"
#include "agent/core/state.h"
#include "common/bundle/delta.h"

namespace lockstep {
namespace {

using Code = ApplicationAck::Code;

// One application of a Desired that may be accepted.
struct Candidate {
  const ApplicationTarget* target = nullptr;
  std::shared_ptr<const DeltaMessage> delta;  // Null: a release.
  std::vector<ObjectKey> named;               // Deleted by name.
  ApplicationRecord next;
  std::vector<ObjectKey> removed;
  std::vector<ObjectKey> changed;  // New keys and keys with a new blob.
};

class Judging {
 public:
  Judging(const DurableState& held, const Desired& desired, const std::set<Digest>& fetched,
          const std::map<Digest, std::string>& documents)
      : held_(held), desired_(desired), fetched_(fetched), documents_(documents) {}

  Acceptance Run() {
    for (const ApplicationTarget& target : desired_.applications) Check(target);
    if (!acceptance_.documents.empty()) {
      acceptance_.refused.clear();  // Said once all of it is known.
      return std::move(acceptance_);
    }
    for (const auto& [name, application] : held_.applications) names_.insert(name);
    for (const auto& [name, candidate] : candidates_) names_.insert(name);
    RefuseClashes();
    if (!acceptance_.refused.empty()) {
      RefuseRemovals();
      RefuseClashes();  // With what those keep.
    }
    FindMissing();
    if (acceptance_.missing.empty()) MakeRecords();
    return std::move(acceptance_);
  }

 private:
  const DurableApplication* Held(const std::string& name) const {
    const auto found = held_.applications.find(name);
    return found == held_.applications.end() ? nullptr : &found->second;
  }

  void Refuse(const ApplicationTarget& target, Code code, std::string message, bool retryable) {
    acceptance_.refused.push_back(
        {target.name, target.generation, code, std::move(message), retryable});
  }

  void Check(const ApplicationTarget& target) {
    const DurableApplication* have = Held(target.name);
    if (candidates_.contains(target.name)) {
      Refuse(target, Code::kInvalid, "the application stands twice in one message", false);
      return;
    }
    if (have != nullptr && target.generation <= have->target.generation) {
      if (target.generation == have->target.generation && IsSame(target, have->target)) return;
      Refuse(target, Code::kStale,
             absl::StrCat("generation ", target.generation, " is not newer than ",
                          have->target.generation, ", which is held with another content"),
             false);
      return;
    }
    Candidate candidate;
    candidate.target = &target;
    if (have != nullptr) candidate.next = have->target;
    candidate.next.name = target.name;
    candidate.next.generation = target.generation;
    candidate.next.revision = target.revision;
    candidate.next.accept_foreign = target.accept_foreign;
    candidate.named = target.tombstones;
    if (target.releases()) {
      CheckRelease(have, std::get<ReleaseObjects>(target.content), &candidate);
    } else if (!FindDelta(have, &candidate) || !CheckDelta(have, &candidate) ||
               !CheckOptions(have, &candidate)) {
      return;
    }
    candidates_.emplace(target.name, std::move(candidate));
  }

  static bool IsSame(const ApplicationTarget& target, const ApplicationRecord& record) {
    if (target.releases()) return record.releasing.has_value();
    return !record.releasing.has_value() && target.manifest() == record.manifest->digest() &&
           target.options_digest == record.options_digest;
  }

  static const Manifest& BaseOf(const DurableApplication* have, const Digest& base) {
    return have == nullptr || base.IsZero() ? *EmptyManifest() : *have->target.manifest;
  }

  // The delta of a target, wherever it lies; false where it is refused or has to be fetched first.
  bool FindDelta(const DurableApplication* have, Candidate* candidate) {
    const ApplicationTarget& target = *candidate->target;
    const auto* reference = std::get_if<DocumentReference>(&target.content);
    if (reference == nullptr) {
      candidate->delta = std::get<std::shared_ptr<const DeltaMessage>>(target.content);
      return true;
    }
    if (reference->bytes > kDocumentBytesMax - document_bytes_) {
      Refuse(target, Code::kTooLarge,
             absl::StrCat("its delta has ", reference->bytes, " bytes; those of one message have ",
                          kDocumentBytesMax, " at most together: move or split less at once"),
             false);
      return false;
    }
    document_bytes_ += reference->bytes;
    const Digest& base = BaseOf(have, reference->base).digest();
    if (reference->base != base) {  // Not worth the fetch.
      Refuse(target, Code::kTransient,
             absl::StrCat("its delta starts from ", reference->base.Short(), ", not from ",
                          base.Short()),
             true);
      return false;
    }
    const auto bytes = documents_.find(reference->digest);
    if (bytes == documents_.end()) {
      acceptance_.documents.push_back(*reference);
      return false;
    }
    absl::StatusOr<DeltaDocument> document = DecodeDocument(*reference, bytes->second);
    if (!document.ok()) {
      const bool damaged = absl::IsDataLoss(document.status());
      Refuse(target, damaged ? Code::kTransient : Code::kInvalid,
             std::string(document.status().message()), damaged);
      return false;
    }
    candidate->named = std::move(document->tombstones);
    candidate->delta =
        std::make_shared<const DeltaMessage>(DeltaMessage{std::move(document->delta), {}});
    return true;
  }

  static void CheckRelease(const DurableApplication* have, ReleaseObjects objects,
                           Candidate* candidate) {
    // A suspended application is let go as it is: nothing of it may be deleted.
    const bool suspended = have != nullptr && have->target.options.suspend;
    if (have == nullptr || suspended) objects = ReleaseObjects::kOrphan;
    candidate->next.releasing = objects;
    if (objects == ReleaseObjects::kOrphan) candidate->next.manifest = EmptyManifest();
  }

  bool CheckDelta(const DurableApplication* have, Candidate* candidate) {
    const ApplicationTarget& target = *candidate->target;
    const BundleDelta& delta = candidate->delta->delta;
    for (const auto& [digest, bytes] : candidate->delta->data) {
      if (Digest::Of(bytes) == digest) continue;
      Refuse(target, Code::kTransient,
             absl::StrCat("blob ", digest.Short(), " arrived damaged; send it again"), true);
      return false;
    }
    const Manifest& base = BaseOf(have, delta.base);
    absl::StatusOr<ManifestPtr> manifest = ApplyDelta(base, delta);
    if (!manifest.ok()) {
      const bool invalid = absl::IsInvalidArgument(manifest.status());
      Refuse(target, invalid ? Code::kInvalid : Code::kTransient,
             std::string(manifest.status().message()), !invalid);
      return false;
    }
    if ((*manifest)->size() > kObjectsMax) {
      Refuse(target, Code::kTooLarge,
             absl::StrCat((*manifest)->size(), " objects; an application has at most ", kObjectsMax,
                          " on one cluster: split it"),
             false);
      return false;
    }
    // What a full manifest leaves out was not named as removed: it stays, an orphan. So does
    // everything where the sender does not vouch that the target is complete.
    if (target.complete) candidate->removed = RemovedKeys(base, delta);
    for (const BundleDelta::Change& change : delta.changes) {
      const ObjectKey& key =
          change.position.has_value() ? base.entries()[*change.position].key : change.key;
      candidate->changed.push_back(key);
    }
    if (have != nullptr && have->target.releasing.has_value()) {
      // It was going: what is there of it is not known any more, and what its end would have
      // deleted is not to go because this manifest does not name it.
      candidate->next.tombstones.clear();
      candidate->next.held = false;
      candidate->changed.clear();
      for (const ManifestEntry& entry : (*manifest)->entries())
        candidate->changed.push_back(entry.key);
    }
    candidate->next.manifest = *std::move(manifest);
    candidate->next.releasing.reset();
    return true;
  }

  bool CheckOptions(const DurableApplication* have, Candidate* candidate) {
    const ApplicationTarget& target = *candidate->target;
    if (!target.options.has_value()) {
      if (have != nullptr && have->target.options_digest == target.options_digest) return true;
      Refuse(target, Code::kTransient, "its options are not known here; send them", true);
      return false;
    }
    absl::StatusOr<ApplicationOptions> options = DecodeOptions(*target.options);
    if (!options.ok() || Digest::Of(*target.options) != target.options_digest) {
      Refuse(target, Code::kInvalid,
             options.ok() ? "its options do not have the digest that names them"
                          : std::string(options.status().message()),
             false);
      return false;
    }
    candidate->next.options = *std::move(options);
    candidate->next.options_bytes = *target.options;
    candidate->next.options_digest = target.options_digest;
    return true;
  }

  // What `name` is after this message; null where it holds on to nothing.
  const ApplicationRecord* After(const std::string& name) const {
    const auto candidate = candidates_.find(name);
    if (candidate != candidates_.end()) return &candidate->second.next;
    const DurableApplication* have = Held(name);
    return have == nullptr ? nullptr : &have->target;
  }

  // The application other than `name` that wants `key` after this message.
  const ApplicationRecord* OtherClaim(const std::string& name, const ObjectKey& key) const {
    for (const std::string& other : names_) {
      const ApplicationRecord* record = other == name ? nullptr : After(other);
      if (record == nullptr || record->releasing.has_value()) continue;
      if (record->manifest->Find(key) != nullptr) return record;
    }
    return nullptr;
  }

  // An object belongs to one application. The hub sees to that; this is the second lock.
  void RefuseClashes() {
    while (true) {
      const auto clashing = std::find_if(candidates_.begin(), candidates_.end(), [&](auto& item) {
        return RefuseIfClashing(item.first, item.second);
      });
      if (clashing == candidates_.end()) return;
      candidates_.erase(clashing);
    }
  }

  bool RefuseIfClashing(const std::string& name, const Candidate& candidate) {
    for (const ObjectKey& key : candidate.changed) {
      const ApplicationRecord* other = OtherClaim(name, key);
      if (other == nullptr) continue;
      // It heals once the other one lets go of it.
      Refuse(*candidate.target, Code::kInvalid,
             absl::StrCat(key.ToString(), " belongs to application ", other->name), true);
      return true;
    }
    return false;
  }

  // What a refused application would have taken over is not known: nothing that this message
  // removes elsewhere, or that waits there to be deleted, may go on its word.
  void RefuseRemovals() {
    for (auto it = candidates_.begin(); it != candidates_.end();) {
      const Candidate& candidate = it->second;
      const bool removes = !candidate.removed.empty() || !candidate.named.empty() ||
                           !candidate.next.tombstones.empty() ||
                           candidate.next.releasing == ReleaseObjects::kDelete;
      if (!removes) {
        ++it;
        continue;
      }
      Refuse(*candidate.target, Code::kTransient,
             absl::StrCat("it removes objects, and application ", acceptance_.refused.front().name,
                          " in the same message was refused; send it again"),
             true);
      it = candidates_.erase(it);
    }
  }

  void FindMissing() {
    std::set<Digest> inline_blobs;
    for (const auto& [name, candidate] : candidates_) {
      if (candidate.delta == nullptr) continue;
      for (const auto& [digest, bytes] : candidate.delta->data) inline_blobs.insert(digest);
    }
    std::set<Digest> missing;
    for (const auto& [name, candidate] : candidates_) {
      if (candidate.delta == nullptr) continue;
      for (const BundleDelta::Change& change : candidate.delta->delta.changes) {
        if (inline_blobs.contains(change.blob) || fetched_.contains(change.blob)) continue;
        if (!HasBlob(held_, change.blob)) missing.insert(change.blob);
      }
    }
    acceptance_.missing.assign(missing.begin(), missing.end());
  }

  void MakeRecords() {
    std::map<std::string, InventoryRecord> inventories;
    for (const auto& [name, candidate] : candidates_) AddIntents(name, candidate, &inventories);
    std::set<Digest> taken;
    for (const std::string& name : names_) {
      if (After(name) == nullptr) continue;
      const auto candidate = candidates_.find(name);
      const bool named = candidate != candidates_.end();
      ApplicationRecord next = *After(name);
      UpdateDeletes(name, named ? &candidate->second : nullptr, inventories, &next);
      const DurableApplication* have = Held(name);
      if (named || next.tombstones != have->target.tombstones) {
        acceptance_.records.emplace_back(std::move(next));
      }
      if (!named) continue;
      acceptance_.changed[name] = candidate->second.changed;
      if (candidate->second.delta == nullptr) continue;
      for (const auto& [digest, bytes] : candidate->second.delta->data) {
        if (HasBlob(held_, digest) || !taken.insert(digest).second) continue;
        acceptance_.blobs.emplace_back(digest, bytes);
      }
    }
    for (auto& [name, inventory] : inventories) {
      acceptance_.records.emplace_back(std::move(inventory));
    }
  }

  // The inventory names an object before it is written (FAULTS F-53). One that comes from another
  // application brings its entry along: a hand-over.
  void AddIntents(const std::string& name, const Candidate& candidate,
                  std::map<std::string, InventoryRecord>* inventories) {
    if (candidate.next.releasing.has_value()) return;
    const DurableApplication* have = Held(name);
    for (const ObjectKey& key : candidate.changed) {
      InventoryEntry entry;
      if (have != nullptr && have->inventory.contains(key)) {
        entry = have->inventory.at(key);
      } else if (const std::string* from = InventoryOf(name, key)) {
        entry = held_.applications.at(*from).inventory.at(key);
        (*inventories)[*from].application = *from;
        (*inventories)[*from].removed.push_back(key);
      }
      const Digest& blob = candidate.next.manifest->Find(key)->blob;
      std::erase(entry.attempted, blob);
      entry.attempted.push_back(blob);
      if (entry.attempted.size() > kAttemptedMax) entry.attempted.erase(entry.attempted.begin());
      (*inventories)[name].application = name;
      (*inventories)[name].set.emplace_back(key, std::move(entry));
    }
  }

  // The application other than `name` whose inventory has `key`; null for none.
  const std::string* InventoryOf(const std::string& name, const ObjectKey& key) const {
    for (const auto& [other, application] : held_.applications) {
      if (other != name && application.inventory.contains(key)) return &other;
    }
    return nullptr;
  }

  void UpdateDeletes(const std::string& name, const Candidate* candidate,
                     const std::map<std::string, InventoryRecord>& inventories,
                     ApplicationRecord* next) const {
    const DurableApplication* have = Held(name);
    DeleteUpdate update;
    std::set<ObjectKey> moved;
    if (const auto changes = inventories.find(name); changes != inventories.end()) {
      moved.insert(changes->second.removed.begin(), changes->second.removed.end());
    }
    if (have != nullptr) {
      for (const auto& [key, entry] : have->inventory) {
        if (!moved.contains(key)) update.inventory.push_back(key);
      }
    }
    if (candidate != nullptr) {
      update.removed = candidate->removed;
      update.named = candidate->named;
      update.approved = candidate->target->approved;
      update.objects_before = have == nullptr ? 0 : have->target.manifest->size();
    }
    MergeDeletes(update, next);
  }

  const DurableState& held_;
  const Desired& desired_;
  const std::set<Digest>& fetched_;
  const std::map<Digest, std::string>& documents_;
  uint64_t document_bytes_ = 0;  // Referred to so far.
  std::map<std::string, Candidate> candidates_;
  std::set<std::string> names_;  // Every application that is held or was a candidate.
  Acceptance acceptance_;
};

}  // namespace

Acceptance Judge(const DurableState& held, const Desired& desired, const std::set<Digest>& fetched,
                 const std::map<Digest, std::string>& documents) {
  return Judging(held, desired, fetched, documents).Run();
}

}  // namespace lockstep
