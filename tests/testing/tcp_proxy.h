#pragma once

#include <cstdint>
#include <list>

#include "common/base/mutex.h"
#include "common/base/thread.h"
#include "tests/testing/process.h"

namespace lockstep {

/// Stands between clients and a server on 127.0.0.1, and on command swallows what either says:
/// the connections stay open, and neither side is told (FAULTS F-26).
class TcpProxy {
 public:
  explicit TcpProxy(int server_port);
  ~TcpProxy();

  int port() const { return listener_.port; }

  /// From now on nothing gets through, closings neither; new connections are taken and go nowhere.
  void Swallow() ABSL_LOCKS_EXCLUDED(mutex_);
  /// Bytes that did not get through: the fault happened.
  int64_t swallowed() const ABSL_LOCKS_EXCLUDED(mutex_);
  /// Waits until so many pieces came from the server since the proxy began, or 20 s.
  bool AwaitFromServer(int64_t pieces) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Pair {
    OwnedFd client;
    OwnedFd server;
    bool closed = false;
  };

  void Run();
  void Connect();
  void Carry(Pair* pair, OwnedFd* from, OwnedFd* to) ABSL_LOCKS_EXCLUDED(mutex_);

  // Fixed at construction.
  const int server_port_;
  const Listener listener_;
  OwnedFd stop_read_;
  OwnedFd stop_write_;

  std::list<Pair> pairs_;  // The thread's.

  mutable Mutex mutex_;
  bool swallowing_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t swallowed_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t from_server_ ABSL_GUARDED_BY(mutex_) = 0;

  Thread thread_;
};

}  // namespace lockstep
