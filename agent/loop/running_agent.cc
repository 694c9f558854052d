#include "agent/loop/running_agent.h"

#include <utility>

#include "common/base/status.h"

namespace lockstep {

absl::StatusOr<std::unique_ptr<RunningAgent>> RunningAgent::Open(Config config) {
  std::unique_ptr<RunningAgent> agent(new RunningAgent(std::move(config)));
  const Config& own = agent->config_;
  LOCKSTEP_ASSIGN_OR_RETURN(AgentStore::Opened opened,
                            AgentStore::Open({.directory = own.state_directory}));
  agent->store_ = std::move(opened.store);
  agent->durable_ = std::move(opened.state);
  AgentLoop::Parts parts;
  parts.facts.version = own.version;
  parts.facts.target = own.target->kind();
  LOCKSTEP_ASSIGN_OR_RETURN(parts.facts.target_uid, own.target->Uid());
  parts.facts.facts = own.facts;
  agent->timers_ = std::make_unique<Timers>(own.clock);
  agent->loop_thread_ = std::make_unique<ThreadPool>("agent", 1);
  agent->work_thread_ = std::make_unique<ThreadPool>("apply", 1);
  parts.storage = agent->store_.get();
  parts.target = own.target;
  parts.link = own.link;
  parts.fetcher = own.fetcher;
  parts.clock = own.clock;
  parts.timers = agent->timers_.get();
  parts.loop_runner = agent->loop_thread_.get();
  parts.work_runner = agent->work_thread_.get();
  parts.seed = own.rng->Next();
  parts.after_step = own.after_step;
  parts.on_stop = own.on_stop;
  agent->loop_ = std::make_unique<AgentLoop>(std::move(parts));
  return agent;
}

void RunningAgent::Start() {
  loop_->Start(std::exchange(durable_, {}));
  config_.link->Start(loop_.get());
}

void RunningAgent::Stop() {
  if (std::exchange(stopped_, true) || loop_ == nullptr) return;
  config_.link->Stop();
  config_.fetcher->Stop();
  config_.target->Stop();
  loop_->Stop();
  timers_->Stop();
  work_thread_->Stop();
  loop_thread_->Stop();
}

}  // namespace lockstep
