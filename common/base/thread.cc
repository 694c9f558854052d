#include "common/base/thread.h"

#include <cstdlib>
#include <limits>
#include <pthread.h>
#include <utility>

namespace lockstep {

struct Thread::Impl {
  pthread_t handle;
  std::string name;
  absl::AnyInvocable<void()> body;
};

Thread::Thread() = default;
Thread::Thread(Thread&&) noexcept = default;

Thread& Thread::operator=(Thread&& other) noexcept {
  Join();
  impl_ = std::move(other.impl_);
  return *this;
}

Thread::Thread(absl::string_view name, absl::AnyInvocable<void()> body, size_t stack_bytes)
    : impl_(std::make_unique<Impl>()) {
  impl_->name = std::string(name.substr(0, 15));
  impl_->body = std::move(body);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  if (stack_bytes > 0) pthread_attr_setstacksize(&attributes, stack_bytes);
  auto run = [](void* raw) -> void* {
    auto* impl = static_cast<Impl*>(raw);
    pthread_setname_np(pthread_self(), impl->name.c_str());
    impl->body();
    return nullptr;
  };
  // Without threads the program cannot do its work at all; its supervisor starts it again.
  if (pthread_create(&impl_->handle, &attributes, run, impl_.get()) != 0) std::abort();
  pthread_attr_destroy(&attributes);
}

Thread::~Thread() { Join(); }

void Thread::Join() {
  if (impl_ == nullptr) return;
  pthread_join(impl_->handle, nullptr);
  impl_.reset();
}

ThreadPool::ThreadPool(absl::string_view name, int threads)
    : tasks_(std::numeric_limits<size_t>::max()) {
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back(name, [this] {
      while (auto task = tasks_.Receive()) (**task)();
    });
  }
}

ThreadPool::~ThreadPool() { Stop(); }

void ThreadPool::Run(absl::AnyInvocable<void()> task) {
  tasks_.TrySend(std::make_unique<absl::AnyInvocable<void()>>(std::move(task)));
}

void ThreadPool::Stop() {
  tasks_.Close();
  for (Thread& thread : threads_) thread.Join();
}

}  // namespace lockstep
