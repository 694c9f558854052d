#pragma once

#include <utility>

#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>

#include "hub/loop/loop.h"

namespace lockstep {

/// A question to the state, which is always answered: by `use`, or by `dropped` where the loop does
/// not come to it.
class Question {
 public:
  Question(Loop::Reader use, absl::AnyInvocable<void(absl::Status)> dropped)
      : use_(std::move(use)), dropped_(std::move(dropped)) {}
  Question(Question&& other) noexcept
      : use_(std::exchange(other.use_, nullptr)),
        dropped_(std::exchange(other.dropped_, nullptr)) {}
  Question& operator=(Question&&) = delete;
  ~Question() {
    if (dropped_)
      dropped_(absl::UnavailableError("the hub has too much to do or is going down; try again"));
  }

  void operator()(const HubState& state) {
    dropped_ = nullptr;
    use_(state);
  }

 private:
  Loop::Reader use_;
  absl::AnyInvocable<void(absl::Status)> dropped_;
};

}  // namespace lockstep
