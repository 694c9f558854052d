#include "hub/ports/source_port.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::HasSubstr;
using testing::Not;

HubState OneRepository() {
  GitRepository repository;
  repository.meta.namespace_ = "lockstep-system";
  repository.meta.name = "config";
  repository.spec.url = "https://git.example/config";
  HubState state;
  state.settings.has_config_repository = true;
  state.settings.config_repository = repository;
  repository.meta.namespace_ = "default";
  repository.meta.name = "fleet";
  repository.spec.url = "https://git.example/fleet";
  ResourceState resource;
  resource.resource = std::make_shared<const Resource>(repository);
  state.resources[{ResourceKind::kGitRepository, "default", "fleet"}] = resource;
  return state;
}

// At a start the configuration is read beside its first fetch, which may fail for hours.
TEST(SourcePort, F59WhatWasFetchedBeforeTheStartIsLookedForInItsMirror) {
  GitSource source({});
  SourcePort port({&source, nullptr, nullptr, nullptr, nullptr});
  const std::string commit(40, 'a');
  const NamespacedName config{"lockstep-system", "config"};
  ASSERT_THAT(port.Open(config, commit).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("was not fetched yet")));
  port.Remember(OneRepository());
  for (const NamespacedName& name : {config, NamespacedName{"default", "fleet"}}) {
    EXPECT_THAT(port.Open(name, commit).status().message(), Not(HasSubstr("was not fetched yet")))
        << name.ToString();
  }
  EXPECT_THAT(port.Open({"default", "other"}, commit).status().message(),
              HasSubstr("was not fetched yet"));
}

TEST(SourcePort, MirrorsAreKeptForEveryRepository) {
  EXPECT_THAT(MirrorsOf(OneRepository()), testing::SizeIs(2));
}

}  // namespace
}  // namespace lockstep
