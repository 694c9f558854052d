#include "hub/core/revocations.h"

#include <algorithm>
#include <set>
#include <utility>

#include "hub/core/sessions.h"

namespace lockstep {
namespace {

// So many agents keep a new revocation for the hub at once, all others from their next Welcome on:
// a fleet that joins anew shall not cost the square of its size.
constexpr size_t kRevocationKeepers = 100;

Goodbye RevokedGoodbye() {
  return {Goodbye::Reason::kRevoked, kRefusedRetry, "this key was revoked"};
}

void TellShellOfRevoked(Turn& turn) {
  effect::RevokeKeys keys;
  for (const auto& [revoked, time] : turn.state.revoked) keys.fingerprints.push_back(revoked);
  const std::set<Digest>& heard = turn.state.behind.revoked;
  keys.fingerprints.insert(keys.fingerprints.end(), heard.begin(), heard.end());
  turn.Emit(std::move(keys));
}

void ForgetOldestRevocation(Turn& turn) {
  const auto oldest =
      std::min_element(turn.state.revoked.begin(), turn.state.revoked.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  turn.TouchRevoked(oldest->first);
  turn.state.revoked.erase(oldest);
}

void KeepRevocation(Turn& turn, const Digest& fingerprint) {
  if (turn.state.revoked.size() >= kRevokedKeysMax) ForgetOldestRevocation(turn);
  turn.state.revoked[fingerprint] = turn.wall();
  turn.TouchRevoked(fingerprint);
}

// A second Welcome: with the commit point it proves to a restored hub that there was more.
void TellAgentsOfRevoked(Turn& turn, const Digest& fingerprint) {
  Welcome welcome = MakeWelcome(turn.state, turn.wall());
  welcome.verdict = Verdict::kNoop;
  welcome.revoked = {fingerprint};
  size_t told = 0;
  for (const auto& [name, cluster] : turn.state.clusters) {
    if (!cluster.session.has_value() || !cluster.session->accepted) continue;
    welcome.session = cluster.session->name;
    turn.Send(cluster.session->id, welcome);
    if (++told == kRevocationKeepers) return;
  }
}

}  // namespace

void RevokeKey(Turn& turn, const std::string& cluster, const Digest& fingerprint) {
  KeepRevocation(turn, fingerprint);
  TellShellOfRevoked(turn);
  if (turn.state.clusters.contains(cluster)) EndSession(turn, cluster, RevokedGoodbye());
  TellAgentsOfRevoked(turn, fingerprint);
}

size_t KeepHeardRevocations(Turn& turn) {
  const std::set<Digest> heard = std::exchange(turn.state.behind.revoked, {});
  for (const Digest& fingerprint : heard) KeepRevocation(turn, fingerprint);
  TellShellOfRevoked(turn);
  return heard.size();
}

void HearRevocations(Turn& turn, const std::vector<Digest>& fingerprints) {
  std::set<Digest> news;
  for (const Digest& fingerprint : fingerprints) {
    if (turn.state.behind.revoked.size() == kRevokedKeysMax) break;
    if (turn.state.revoked.contains(fingerprint)) continue;
    if (turn.state.behind.revoked.insert(fingerprint).second) news.insert(fingerprint);
  }
  if (news.empty()) return;
  TellShellOfRevoked(turn);
  for (auto& [name, cluster] : turn.state.clusters) {
    if (!cluster.session.has_value() || !news.contains(*cluster.fingerprint)) continue;
    EndSession(turn, name, RevokedGoodbye());
    cluster.online = false;
    turn.TouchAgent(name);
  }
}

}  // namespace lockstep
