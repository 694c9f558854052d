#include "hub/rpc/history.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "common/base/log.h"
#include "common/base/status.h"
#include "hub/core/records.h"
#include "hub/record/key.h"
#include "hub/rpc/fleet_messages.h"

namespace lockstep {

absl::Status ReadHistory(const Store& store, absl::string_view application, int limit,
                         v1::HistoryResponse* response) {
  const auto most = static_cast<size_t>(std::min(limit, kHistoryMax));
  std::deque<v1::ReleaseRecordView> newest;
  const auto visit = [&](absl::string_view key, absl::string_view value) {
    const absl::StatusOr<ReleaseId> id = ParseReleaseKey(key);
    const absl::StatusOr<HistoryEntry> entry = DecodeHistory(value);
    if (!id.ok() || !entry.ok()) {
      Log(LogLevel::kError, "release record passed over",
          {{"error", id.ok() ? entry.status() : id.status()}});
      return true;
    }
    Fill(id->cluster, *entry, &newest.emplace_front());
    if (newest.size() > most) newest.pop_back();
    return true;
  };
  LOCKSTEP_RETURN_IF_ERROR(Annotate(
      store.Scan(Family::kRelease, ReleasePrefix(application), "", visit), "reading the history"));
  for (v1::ReleaseRecordView& release : newest) *response->add_releases() = std::move(release);
  return absl::OkStatus();
}

}  // namespace lockstep
