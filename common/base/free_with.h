#pragma once

namespace lockstep {

/// Frees a C handle by its own function: std::unique_ptr<git_commit, FreeWith<git_commit_free>>.
template <auto Free>
struct FreeWith {
  template <typename T>
  void operator()(T* handle) const {
    Free(handle);
  }
};

}  // namespace lockstep
