#include "hub/hub.h"

#include <utility>

#include <absl/strings/str_cat.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/base/thread.h"
#include "common/http/status_server.h"
#include "common/render/parse_cache.h"
#include "hub/core/queries.h"
#include "hub/core/records.h"
#include "hub/identity/enrolment_server.h"
#include "hub/identity/hub_identity.h"
#include "hub/identity/users.h"
#include "hub/loop/loop.h"
#include "hub/loop/render_port.h"
#include "hub/metrics/hub_metrics.h"
#include "hub/ports/config_source.h"
#include "hub/ports/identity_port.h"
#include "hub/ports/source_port.h"
#include "hub/rpc/agent_gateway.h"
#include "hub/rpc/fleet_service.h"
#include "hub/rpc/server.h"
#include "hub/secrets/sealed.h"
#include "hub/store/rocks_store.h"

namespace lockstep {
namespace {

constexpr int kFetchThreads = 4;
constexpr int kRenderThreads = 2;
constexpr int kServiceThreads = 4;
constexpr absl::Duration kMaintenanceInterval = absl::Minutes(1);
constexpr absl::Duration kDrain = absl::Seconds(8);
constexpr absl::Duration kShutdownSpread = absl::Seconds(2);
}  // namespace
}  // namespace lockstep
