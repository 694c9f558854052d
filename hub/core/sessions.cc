#include "hub/core/sessions.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include <absl/strings/str_cat.h>

#include "common/text/utf8.h"
#include "hub/core/instances.h"
#include "hub/core/outgoing.h"
#include "hub/core/revocations.h"

namespace lockstep {
namespace {

void Refuse(Turn& turn, SessionId session, Goodbye::Reason reason, absl::Duration retry_after,
            std::string message) {
  turn.Emit(effect::CloseSession{session, Goodbye{reason, retry_after, std::move(message)}});
}

// A person approved the hub although this agent knew that.
bool IsForgiven(const HubState& state, const event::AgentHello& hello) {
  const auto forgiven = state.behind.forgiven.find(hello.cluster);
  return forgiven != state.behind.forgiven.end() && forgiven->second == hello.hello.seen;
}

// Whether the agent heard of a later state of the hub than this one, or of another history.
bool ProvesBehind(const HubState& state, const event::AgentHello& hello) {
  if (IsForgiven(state, hello)) return false;
  const CommitPoint& seen = hello.hello.seen;
  if (seen.counter > state.at.counter) return true;
  return hello.chain_at_seen.has_value() && *hello.chain_at_seen != seen.chain;
}

void NoteBehind(Turn& turn, const event::AgentHello& hello) {
  BehindState& behind = turn.state.behind;
  HearRevocations(turn, hello.hello.revoked);
  const auto [at, is_new] = behind.agents.try_emplace(hello.cluster);
  if (!is_new && at->second == hello.hello.seen) return;
  at->second = hello.hello.seen;
  turn.TouchPoint(hello.cluster);
  if (!is_new) return;
  turn.Record(
      {.warning = true,
       .reason = "HubBehind",
       .message = absl::StrCat(
           "the agent of ", hello.cluster, " knows commit ", hello.hello.seen.counter,
           " of this hub, which is at ", turn.state.at.counter,
           " or has another history: state was lost or an older backup restored; nothing is "
           "pushed until `lockstep approve --hub`"),
       .cluster = hello.cluster,
       .by = "hub"});
}

// Whether cluster and key are the enrolled ones; else the session is refused.
bool CheckKey(Turn& turn, const event::AgentHello& hello, bool behind) {
  const auto cluster = turn.state.clusters.find(hello.cluster);
  const bool revoked = turn.state.revoked.contains(hello.fingerprint) ||
                       turn.state.behind.revoked.contains(hello.fingerprint);
  if (revoked) {
    Refuse(turn, hello.session, Goodbye::Reason::kRevoked, kRefusedRetry,
           "this key was revoked; join again with a new token to come back");
    return false;
  }
  const bool known =
      cluster != turn.state.clusters.end() && cluster->second.fingerprint == hello.fingerprint;
  if (known) return true;
  // A hub that lost its state has no right to tell an agent that it was removed.
  const bool replaced =
      !behind && cluster != turn.state.clusters.end() && cluster->second.fingerprint.has_value();
  Refuse(
      turn, hello.session, replaced ? Goodbye::Reason::kRevoked : Goodbye::Reason::kBusy,
      kRefusedRetry,
      replaced
          ? "another agent was enrolled for this cluster; end this one, or join it with a new token"
          : absl::StrCat("this hub does not know an agent of cluster ", hello.cluster,
                         " with this key"));
  return false;
}

// Whether this session wins over the one that the cluster has.
bool Replace(Turn& turn, const event::AgentHello& hello, ClusterState& cluster) {
  if (!cluster.session.has_value()) return true;
  if (hello.hello.start_counter < cluster.start_counter) {
    Refuse(turn, hello.session, Goodbye::Reason::kReplaced, absl::ZeroDuration(),
           "a newer session of this cluster is there");
    return false;
  }
  EndSession(
      turn, hello.cluster,
      Goodbye{Goodbye::Reason::kReplaced, absl::ZeroDuration(), "a newer session took over"});
  return true;
}

void AdoptTargets(Turn& turn, const std::string& name, ClusterState& cluster,
                  const std::map<std::string, ReceivedTarget>& targets) {
  for (const auto& [application, target] : targets) {
    const auto at = cluster.instances.find(application);
    if (at == cluster.instances.end() || at->second.received.generation == target.generation)
      continue;
    // What is released is not in the root, which proves no release: the agent has to say it.
    if (target.releasing) continue;
    at->second.received = target;
    turn.TouchStatus(name, application);
  }
  cluster.received_root = RootOfTargets(ReceivedTargets(cluster));
}

// Finds out what an agent with this root holds; false if only it can say. A root says nothing of
// what is being released: an agent that lost its memory would never report the end of it.
bool Recognise(Turn& turn, const std::string& name, ClusterState& cluster, const Digest& root) {
  const bool releases =
      std::any_of(cluster.instances.begin(), cluster.instances.end(),
                  [](const auto& entry) { return entry.second.received.releasing; });
  if (releases) return false;
  if (root == cluster.received_root) return true;
  for (const SentDesired& sent : cluster.unanswered) {
    if (sent.root != root) continue;
    AdoptTargets(turn, name, cluster, sent.targets);
    return cluster.received_root == root;
  }
  const std::map<std::string, ReceivedTarget> wanted = WantedTargets(cluster);
  if (RootOfTargets(wanted) != root) return false;
  AdoptTargets(turn, name, cluster, wanted);
  return cluster.received_root == root;
}

// A new agent, or one that lost its store.
bool KnowsNoHub(const Hello& hello) { return hello.seen.counter == 0; }

// As far as the hub knows the agent holds nothing, and nothing is to go from it: of what is being
// released a root says nothing.
bool NothingIsHeld(const ClusterState& cluster) {
  return std::all_of(cluster.instances.begin(), cluster.instances.end(), [](const auto& entry) {
    return entry.second.received.generation == 0 && !entry.second.releasing();
  });
}

bool HasSomethingNewer(const ClusterState& cluster) {
  return std::any_of(cluster.instances.begin(), cluster.instances.end(), [](const auto& entry) {
    const Assignment& assignment = entry.second.assignment;
    return assignment.generation > 0 && !assignment.unconfirmed && !IsReceived(entry.second);
  });
}

bool AcceptTarget(Turn& turn, const event::AgentHello& hello, ClusterState& cluster) {
  const std::string& uid = hello.hello.target_uid;
  if (cluster.target_uid.empty() || cluster.target_uid == uid) {
    if (cluster.target_uid != uid || !cluster.pending_uid.empty()) {
      cluster.target_uid = uid;
      cluster.pending_uid.clear();
      turn.TouchEnrolment(hello.cluster);
    }
    return true;
  }
  if (cluster.pending_uid != uid) {
    cluster.pending_uid = uid;
    turn.TouchEnrolment(hello.cluster);
    turn.Record({.warning = true,
                 .reason = "TargetChanged",
                 .message = absl::StrCat(
                     "the agent of ", hello.cluster,
                     " came back with another target: rebuilt, cloned or moved; nothing is pushed "
                     "until `lockstep cluster accept ",
                     hello.cluster, "`"),
                 .cluster = hello.cluster,
                 .by = "hub"});
  }
  return false;
}

void NoteAgent(Turn& turn, const event::AgentHello& hello, ClusterState& cluster) {
  cluster.start_counter = hello.hello.start_counter;
  cluster.last_seen = turn.wall();
  cluster.agent_version = ToUtf8(hello.hello.version);
  cluster.target = hello.hello.target;
  cluster.facts = hello.hello.facts;
  cluster.desired_seq = std::max(cluster.desired_seq, hello.hello.desired_seq);
  if (!cluster.online) {
    cluster.online = true;
    turn.Record({.reason = "AgentOnline",
                 .message = absl::StrCat("the agent of ", hello.cluster, " is there"),
                 .cluster = hello.cluster,
                 .by = "hub"});
  }
  turn.TouchAgent(hello.cluster);
  turn.Notify();
}

// From where the agent counts its statuses in this session; what it does not know to be
// acknowledged comes again, under higher numbers. A hub that lost what it acknowledged asks for it.
void AlignStatuses(Turn& turn, const event::AgentHello& hello, bool behind, ClusterState& cluster) {
  const uint64_t acknowledged = hello.hello.status_seq_acked;
  // Numbers of a lost history can be those of another run of the agent, whose disk was full.
  if (behind) cluster.status_seq = 0;  // Until all was told, whatever becomes of this session.
  // One that was acknowledged less than is known here tells all by itself, unless the numbers are
  // of another run, of which this hub knows from before it was restored.
  if (acknowledged > 0 && acknowledged != cluster.status_seq) {
    turn.Send(hello.session, Command{++turn.state.command_id, Command::Report{}});
  }
  cluster.status_seq = std::min(cluster.status_seq, acknowledged);
}

}  // namespace

Welcome MakeWelcome(const HubState& state, absl::Time now) {
  Welcome welcome;
  welcome.hub_incarnation = state.incarnation;
  welcome.epoch = state.epoch;
  welcome.beat = kBeat;
  welcome.spread =
      absl::Seconds(1) + absl::Seconds(1) * state.clusters.size() / kAdmissionsPerSecond;
  welcome.server_time = now;
  return welcome;
}

void EndSession(Turn& turn, const std::string& name, std::optional<Goodbye> goodbye) {
  ClusterState& cluster = turn.state.clusters.at(name);
  if (!cluster.session.has_value()) return;
  const SessionId id = cluster.session->id;
  cluster.unanswered = std::move(cluster.session->in_flight);
  cluster.session.reset();
  turn.state.sessions.erase(id);
  turn.Emit(effect::CloseSession{id, std::move(goodbye)});
}

void OnHello(Turn& turn, const event::AgentHello& hello) {
  const bool behind = ProvesBehind(turn.state, hello);
  if (behind) NoteBehind(turn, hello);
  // It follows this history: what it was forgiven is not asked about again.
  if (hello.chain_at_seen == hello.hello.seen.chain &&
      turn.state.behind.forgiven.erase(hello.cluster) > 0) {
    turn.TouchPoint(hello.cluster);
  }
  if (!CheckKey(turn, hello, behind)) return;
  if (hello.hello.proto_min > kProtocolVersion || hello.hello.proto_max < kProtocolVersion) {
    Refuse(turn, hello.session, Goodbye::Reason::kVersion, kRefusedRetry,
           absl::StrCat("this hub speaks protocol version ", kProtocolVersion, ", the agent ",
                        hello.hello.proto_min, " to ", hello.hello.proto_max,
                        "; upgrade the older one"));
    return;
  }
  ClusterState& cluster = turn.state.clusters.at(hello.cluster);
  if (!Replace(turn, hello, cluster)) return;
  const bool first = cluster.start_counter == 0;
  NoteAgent(turn, hello, cluster);
  SessionState& session = cluster.session.emplace();
  session.id = hello.session;
  session.name = hello.session_name;
  session.last_heard = turn.now;
  turn.state.sessions[hello.session] = hello.cluster;

  Welcome welcome = MakeWelcome(turn.state, turn.wall());
  welcome.session = session.name;
  for (const auto& [fingerprint, time] : turn.state.revoked) welcome.revoked.push_back(fingerprint);
  const bool target_accepted = AcceptTarget(turn, hello, cluster);
  // What it heard may be too old to be known, or of a history that was given up, or of a Cluster
  // that was removed since: it has to say all it holds, and generations go on above that.
  const bool chain_known = KnowsNoHub(hello.hello)
                               ? NothingIsHeld(cluster)
                               : !first && hello.chain_at_seen == hello.hello.seen.chain;
  if (behind) {
    welcome.verdict = Verdict::kHubBehind;
  } else if (!target_accepted) {
    welcome.verdict = Verdict::kNotAccepted;
  } else {
    session.accepted = true;
    session.probing =
        !chain_known || !Recognise(turn, hello.cluster, cluster, hello.hello.cluster_root);
    welcome.verdict = session.probing              ? Verdict::kProbe
                      : HasSomethingNewer(cluster) ? Verdict::kDelta
                                                   : Verdict::kNoop;
  }
  for (auto& [name, instance] : cluster.instances) {
    const bool may_heal =
        instance.refusal.has_value() && instance.refusal->retry_at != absl::InfiniteFuture();
    if (may_heal) instance.refusal.reset();
  }
  if (session.accepted && !session.probing) DropReleased(turn, hello.cluster);
  cluster.unanswered.clear();
  turn.Send(hello.session, std::move(welcome));
  AlignStatuses(turn, hello, behind, cluster);
  turn.deliver.insert(hello.cluster);
}

void OnSessionClosed(Turn& turn, const event::SessionClosed& closed) {
  const auto at = turn.state.sessions.find(closed.session);
  if (at == turn.state.sessions.end()) return;
  const std::string name = at->second;
  turn.state.sessions.erase(at);
  ClusterState& cluster = turn.state.clusters.at(name);
  cluster.unanswered = std::move(cluster.session->in_flight);
  cluster.session.reset();
  cluster.online = false;
  turn.TouchAgent(name);
  turn.Record({.warning = true,
               .reason = "AgentOffline",
               .message = absl::StrCat("the agent of ", name, " is away"),
               .cluster = name,
               .by = "hub"});
}

void Resume(Turn& turn, const std::string& name) {
  const auto at = turn.state.clusters.find(name);
  if (at == turn.state.clusters.end() || !at->second.session.has_value()) return;
  // The agent was told not to listen; only a new Welcome ends that.
  EndSession(
      turn, name,
      Goodbye{Goodbye::Reason::kBusy, absl::ZeroDuration(), "the hub looks at this agent anew"});
}

namespace {

// Whether something is wrong with the session; then it is ended, with a word.
void Inspect(Turn& turn, const std::string& name, ClusterState& cluster) {
  SessionState& session = *cluster.session;
  if (turn.now - session.last_heard > kSilenceMax) {
    EndSession(turn, name, std::nullopt);
    cluster.online = false;
    turn.TouchAgent(name);
    turn.Record({.warning = true,
                 .reason = "AgentOffline",
                 .message = absl::StrCat("nothing was heard of the agent of ", name, " for ",
                                         absl::FormatDuration(kSilenceMax)),
                 .cluster = name,
                 .by = "hub"});
    return;
  }
  const bool stuck =
      !session.in_flight.empty() && turn.now - session.in_flight.front().time > kAckMax;
  if (stuck || turn.now - session.root_differs_since > kRootDiffersMax) {
    EndSession(turn, name,
               Goodbye{Goodbye::Reason::kBusy, absl::ZeroDuration(),
                       "hub and agent differ: compare anew"});
  }
}

void Expire(Turn& turn) {
  for (auto at = turn.state.tokens.begin(); at != turn.state.tokens.end();) {
    if (at->second.expires > turn.now) {
      ++at;
      continue;
    }
    turn.TouchToken(at->first);
    at = turn.state.tokens.erase(at);
  }
  for (auto at = turn.state.revoked.begin(); at != turn.state.revoked.end();) {
    if (turn.wall() - at->second <= kRevokedKept) {
      ++at;
      continue;
    }
    turn.TouchRevoked(at->first);
    at = turn.state.revoked.erase(at);
  }
}

}  // namespace

void Watch(Turn& turn, const event::Tick& tick) {
  if (turn.now >= turn.state.next_liveness) {
    const bool heard = !tick.backlog && turn.now - turn.state.next_liveness <= kBeat;
    turn.state.next_liveness = turn.now + kBeat;
    const bool returned = turn.now - turn.state.started > kReturnMax;
    for (auto& [name, cluster] : turn.state.clusters) {
      if (cluster.session.has_value()) {
        if (heard) Inspect(turn, name, cluster);
      } else if (cluster.online && returned) {
        cluster.online = false;
        turn.TouchAgent(name);
        turn.Record({.warning = true,
                     .reason = "AgentOffline",
                     .message = absl::StrCat("the agent of ", name,
                                             " did not come back after the hub's start"),
                     .cluster = name,
                     .by = "hub"});
      }
    }
    Expire(turn);
  }
  if (turn.now >= turn.state.next_flush) {
    turn.state.next_flush = turn.now + kFlush;
    for (const auto& [id, name] : turn.state.sessions) {
      ClusterState& cluster = turn.state.clusters.at(name);
      const absl::Time seen = cluster.session->last_heard + turn.state.clock_ahead;
      if (cluster.last_seen == seen) continue;
      cluster.last_seen = seen;
      turn.TouchAgent(name);
    }
  }
}

}  // namespace lockstep
