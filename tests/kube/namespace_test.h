#pragma once

#include <string>

#include <gtest/gtest.h>

#include "tests/kube/api_server.h"

namespace lockstep {

/// A test with a namespace of its own on the shared API server; skipped where there is none.
class NamespaceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    LOCKSTEP_API_SERVER(server);
    server_ = server;
    namespace_ = server_->MakeNamespace();
  }

  ApiServer* server_ = nullptr;
  std::string namespace_;
};

}  // namespace lockstep
