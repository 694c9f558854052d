#include "tests/sim/sim_target.h"

#include <utility>

namespace lockstep::sim {

absl::Status SimTarget::Step(const Cancellation& cancel) {
  const auto alive = listener_.alive;  // Runs of others may come in between and put it back.
  if (!alive() || cancel.cancelled()) return absl::CancelledError("cancelled");
  if (!down_.ok()) return down_;
  if (world_.Chance(world_.settings.target_fails)) {
    return absl::UnavailableError("the target does not answer");
  }
  return absl::OkStatus();
}

std::vector<absl::StatusOr<Observation>> SimTarget::Observe(const ActingAs& as,
                                                            const std::vector<LookAt>& objects,
                                                            const Cancellation& cancel) {
  std::vector<absl::StatusOr<Observation>> answers;
  for (const LookAt& object : objects) {
    if (absl::Status status = Step(cancel); !status.ok()) {
      answers.push_back(std::move(status));
      continue;
    }
    absl::StatusOr<Observation> seen = target_.Observe(as, {object}, cancel).front();
    if (seen.ok() && !world_.settings.marks_objects) {
      seen->uid.clear();
      seen->owner.clear();
    }
    if (seen.ok() && world_.settings.mutation == Mutation::kEqualLooksDifferent &&
        seen->presence == Observation::Presence::kEqual) {
      seen->presence = Observation::Presence::kDifferent;
    }
    answers.push_back(std::move(seen));
  }
  return answers;
}

std::vector<absl::Status> SimTarget::Validate(const ActingAs& as,
                                              const std::vector<WantedObject>& stage,
                                              const Cancellation& cancel) {
  std::vector<absl::Status> answers;
  for (const WantedObject& object : stage) {
    absl::Status status = Step(cancel);
    if (status.ok()) status = target_.Validate(as, {object}, cancel).front();
    answers.push_back(std::move(status));
  }
  return answers;
}

std::vector<absl::StatusOr<Written>> SimTarget::Apply(const ActingAs& as,
                                                      const std::vector<WantedObject>& objects,
                                                      const Cancellation& cancel) {
  std::vector<absl::StatusOr<Written>> answers;
  for (const WantedObject& object : objects) {
    if (absl::Status status = Step(cancel); !status.ok()) {
      answers.push_back(std::move(status));
      continue;
    }
    listener_.before_write(as, object.key, object.value);
    absl::StatusOr<Written> written = target_.Apply(as, {object}, cancel).front();
    if (written.ok() && !world_.settings.marks_objects) written->uid.clear();
    answers.push_back(std::move(written));
  }
  return answers;
}

std::vector<absl::Status> SimTarget::Delete(const ActingAs& as,
                                            const std::vector<DeleteRequest>& objects,
                                            const Cancellation& cancel) {
  std::vector<absl::Status> answers;
  for (const DeleteRequest& object : objects) {
    absl::Status status = Step(cancel);
    if (status.ok()) {
      listener_.before_delete(as, object.key);
      status = target_.Delete(as, {object}, cancel).front();
      if (world_.settings.mutation == Mutation::kDeleteNotCompared) {
        const auto all = target_.objects();
        const auto next = all.upper_bound(object.key);
        if (next != all.end()) {
          listener_.before_delete(as, next->first);
          target_.DeleteForeign(next->first);
        }
      }
    }
    answers.push_back(std::move(status));
  }
  return answers;
}

}  // namespace lockstep::sim
