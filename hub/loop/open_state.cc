#include "hub/loop/open_state.h"

#include <utility>

#include "common/base/log.h"

namespace lockstep {
namespace {

class StoreReader : public RecordReader {
 public:
  explicit StoreReader(const Store& store) : store_(store) {}

  absl::StatusOr<std::string> Get(Family family, absl::string_view key) const override {
    return store_.Get(family, key);
  }
  absl::Status Scan(
      Family family,
      absl::FunctionRef<void(absl::string_view, absl::string_view)> visit) const override {
    return store_.Scan(family, "", "", [&](absl::string_view key, absl::string_view value) {
      visit(key, value);
      return true;
    });
  }

 private:
  const Store& store_;
};

}  // namespace

absl::StatusOr<HubState> OpenState(const Store& store, LoadOptions options) {
  options.at = store.at();
  absl::StatusOr<HubState> state = LoadState(StoreReader(store), std::move(options));
  if (!state.ok()) return state;
  for (const std::string& record : state->quarantined) {
    Log(LogLevel::kError, "a stored record cannot be read and was put aside", {{"record", record}});
  }
  return state;
}

}  // namespace lockstep
