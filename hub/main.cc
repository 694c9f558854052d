#include <iostream>
#include <string>
#include <unistd.h>
#include <vector>

#include <CLI/CLI.hpp>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/program/program.h"
#include "hub/hub.h"
#include "hub/identity/context.h"
#include "hub/identity/hub_identity.h"
#include "hub/identity/users.h"
#include "hub/reset_secrets.h"
#include "hub/source/fetch_server.h"
#include "hub/store/rocks_store.h"
#include "hub/store/secret_box.h"

namespace lockstep {
namespace {

struct InitFlags {
  std::string data;
  std::vector<std::string> addresses;
  uint16_t enrolment_port = kDefaultEnrolmentPort;
  std::string context_file;
  std::string context_name = "lockstep";
  bool no_admin = false;
  bool if_empty = false;
};

// The secrets' key first, so that a hub that is there has it; one that lies there from before is
// used. What was made goes again where the rest fails.
absl::Status MakeAll(const InitOptions& options) {
  const std::string key = SecretKeyPath(options.data_directory);
  LOCKSTEP_RETURN_IF_ERROR(MakeDirectories(DirName(key), 0700));
  const absl::Status made = SecretBox::MakeKey(key);
  absl::Status status = absl::IsAlreadyExists(made) ? absl::OkStatus() : made;
  if (status.ok()) status = InitHub(options, SystemClock()->Now());
  if (status.ok()) return status;
  if (made.ok()) RemoveFile(key).IgnoreError();
  rmdir(DirName(key).c_str());  // Where they are empty.
  rmdir(options.data_directory.c_str());
  return status;
}

absl::Status Init(const InitFlags& flags) {
  InitOptions options;
  options.data_directory = flags.data;
  if (flags.if_empty) {
    LOCKSTEP_ASSIGN_OR_RETURN(const bool there, HoldsHub(flags.data));
    if (there) {
      std::cout << "there is a hub in " << flags.data << "\n";
      return absl::OkStatus();
    }
  }
  for (const std::string& text : flags.addresses) {
    LOCKSTEP_ASSIGN_OR_RETURN(HubAddress address, ParseHubAddress(text, flags.enrolment_port));
    options.addresses.push_back(std::move(address));
  }
  if (flags.no_admin) {
    options.admin.clear();
  } else {
    options.context_file = flags.context_file.empty() ? DefaultContextPath() : flags.context_file;
    options.context_name = flags.context_name;
  }
  LOCKSTEP_RETURN_IF_ERROR(MakeAll(options));
  std::cout << "made a hub in " << flags.data << "\n";
  if (!flags.no_admin) {
    std::cout << "the admin's context \"" << flags.context_name << "\" is in "
              << options.context_file << "\n";
  }
  std::cout << "next: lockstep-hub serve --data " << flags.data << "\n";
  return absl::OkStatus();
}

void AddInit(CLI::App* root, int* code) {
  auto flags = std::make_shared<InitFlags>();
  CLI::App* app =
      root->add_subcommand("init", "make a hub: its authority, its certificate, the first admin");
  app->add_option("--data", flags->data, "directory of all that the hub keeps")->required();
  app->add_option("--address", flags->addresses,
                  "HOST[:PORT] where agents and people reach it; may be repeated")
      ->required();
  app->add_option("--enrol-port", flags->enrolment_port, "port of the enrolment endpoint there")
      ->capture_default_str();
  app->add_option("--context-file", flags->context_file,
                  "where the admin's context goes; else the user's own");
  app->add_option("--context-name", flags->context_name, "what the context is called")
      ->capture_default_str();
  app->add_flag("--no-admin", flags->no_admin, "make no first person; `user add` does later");
  app->add_flag("--if-empty", flags->if_empty,
                "do nothing where the directory holds a hub already: for containers");
  app->callback([flags, code] { *code = ReportStatus(Init(*flags)); });
}

int Serve(const HubConfig& config) {
  const TerminationSignal termination;
  absl::StatusOr<std::unique_ptr<Hub>> hub = Hub::Start(config);
  if (!hub.ok()) return ReportStatus(hub.status());
  Log(LogLevel::kInfo, "hub ends", {{"signal", termination.Wait()}});
  (*hub)->Stop();
  return kExitDone;
}

void AddServe(CLI::App* root, int* code) {
  auto config = std::make_shared<HubConfig>();
  auto log = std::make_shared<LogFlags>();
  CLI::App* app = root->add_subcommand("serve", "run the hub");
  app->add_option("--data", config->data_directory, "as given to init")->required();
  app->add_option("--listen", config->listen, "HOST:PORT for agents and people")
      ->capture_default_str();
  app->add_option("--enrol-listen", config->enrolment_listen, "HOST:PORT for agents that join")
      ->capture_default_str();
  app->add_option("--metrics-listen", config->metrics_listen,
                  "HOST:PORT for /metrics, /healthz and /readyz")
      ->capture_default_str();
  app->add_option(
      "--allow-source", config->allow_sources,
      "URL prefix or CIDR: loopback, private addresses, http and file only where one names them");
  FetchLimits* limits = &config->fetch_limits;
  app->add_option("--fetch-bytes-max", limits->bytes, "received in one fetch")
      ->capture_default_str();
  app->add_option("--fetch-objects-max", limits->objects, "received in one fetch")
      ->capture_default_str();
  app->add_option("--fetch-refs-bytes-max", limits->refs_bytes, "of a remote's list of refs")
      ->capture_default_str();
  app->add_option("--fetch-object-bytes-max", limits->object_bytes,
                  "of one Git object that is read")
      ->capture_default_str();
  app->add_option("--fetch-memory-max", limits->memory_bytes, "bytes of the process that fetches")
      ->capture_default_str();
  app->add_option("--config-repository", config->config_url,
                  "URL: resources come from there alone");
  app->add_option("--config-ref", config->config_branch, "its branch; else the remote's HEAD");
  app->add_option("--config-path", config->config_path, "the folder in it; else the root");
  app->add_option("--config-credentials", config->config_credentials,
                  "a Secret manifest, mode 0600");
  log->AddTo(app);
  app->callback([config, log, code] {
    log->Use();
    *code = Serve(*config);
  });
}

void AddRecover(CLI::App* root, int* code) {
  auto data = std::make_shared<std::string>();
  auto accept = std::make_shared<bool>(false);
  CLI::App* app = root->add_subcommand("recover", "open a damaged store and give up what is lost");
  app->add_option("--data", *data, "as given to init")->required();
  app->add_flag("--accept-loss", *accept, "really");
  app->callback([data, accept, code] {
    if (!*accept) {
      std::cerr << "error: recover gives up decisions that were acknowledged; say --accept-loss if "
                   "that is meant\n";
      *code = kExitUsage;
      return;
    }
    const absl::StatusOr<LossReport> report = RocksStore::Recover(StorePath(*data), RocksOptions());
    if (!report.ok()) {
      *code = ReportStatus(report.status());
      return;
    }
    std::cout << "opened: " << report->found.counter << " of " << report->acknowledged.counter
              << " commits are there. Agents that saw more find the hub behind: it pushes and "
                 "deletes nothing until "
                 "`lockstep approve --hub`.\n";
  });
}

int SayReset(const SecretsReset& reset, Loss loss, const std::string& data) {
  std::ostream& out = loss == Loss::kAccept || reset.key_is_there ? std::cout : std::cerr;
  if (reset.key_is_there) {
    out << SecretKeyPath(data) << " is there; nothing was changed\n";
  } else if (loss == Loss::kAccept) {
    if (!reset.put_aside.empty())
      out << "the file without a key is now " << reset.put_aside << "\n";
    out << "made a new " << SecretKeyPath(data) << "; next: lockstep-hub serve --data " << data
        << "\n";
  }
  if (reset.lost.empty()) {
    out << "no Secret is lost\n";
  } else {
    out << "lost until they are applied again, or the former key is back:\n";
  }
  for (const LostSecret& lost : reset.lost) {
    out << "  " << lost.key.ToString();
    if (!lost.needed_by.empty()) out << ", for " << absl::StrJoin(lost.needed_by, ", ");
    out << "\n";
  }
  if (reset.key_is_there || loss == Loss::kAccept) return kExitDone;
  out << "error: a new key opens none of that; say --accept-loss if that is meant\n";
  return kExitUsage;
}

void AddSecrets(CLI::App* root, int* code) {
  auto data = std::make_shared<std::string>();
  auto accept = std::make_shared<bool>(false);
  CLI::App* app = root->add_subcommand("secrets", "the key under which Secrets are stored");
  app->require_subcommand(1);
  CLI::App* reset = app->add_subcommand(
      "reset", "for a key that is lost: say which Secrets are, and make a new one");
  reset->add_option("--data", *data, "as given to init")->required();
  reset->add_flag("--accept-loss", *accept, "really");
  reset->callback([data, accept, code] {
    const Loss loss = *accept ? Loss::kAccept : Loss::kShow;
    const absl::StatusOr<SecretsReset> done = ResetSecrets(*data, loss);
    *code = done.ok() ? SayReset(*done, loss, *data) : ReportStatus(done.status());
  });
}

struct UserFlags {
  std::string data;
  std::string name;
  std::string context_file;
  std::string context_name = "lockstep";
};

absl::Status WriteUser(const UserFlags& flags, bool renew) {
  LOCKSTEP_ASSIGN_OR_RETURN(const HubIdentity identity, HubIdentity::Load(flags.data));
  const UserDirectory users = identity.users();
  const absl::Time now = SystemClock()->Now();
  LOCKSTEP_ASSIGN_OR_RETURN(const UserCredentials credentials,
                            renew ? users.Renew(identity.authority(), flags.name, now)
                                  : users.Add(identity.authority(), flags.name, now));
  const Context context = identity.MakeContext(flags.context_name, flags.name, credentials);
  if (flags.context_file == "-") {
    std::cout << FormatContextFile({.current = context.name, .contexts = {context}});
    return absl::OkStatus();
  }
  LOCKSTEP_RETURN_IF_ERROR(AddContext(flags.context_file, context, ExistingContext::kReplace));
  std::cout << "wrote the context of " << flags.name << " to " << flags.context_file
            << "; hand it over and delete it here: it holds a private key\n";
  return absl::OkStatus();
}

absl::Status ListUsers(const UserFlags& flags) {
  LOCKSTEP_ASSIGN_OR_RETURN(const std::vector<User> users,
                            UserDirectory(absl::StrCat(flags.data, "/users")).List());
  for (const User& user : users) {
    std::cout << user.name << "  until "
              << absl::FormatTime("%Y-%m-%d", user.not_after, absl::UTCTimeZone()) << "  key "
              << user.fingerprint.Short() << "\n";
  }
  return absl::OkStatus();
}

void AddUser(CLI::App* root, int* code) {
  CLI::App* app = root->add_subcommand("user", "who may ask the hub");
  app->require_subcommand(1);
  const auto add = [&](const std::string& name, const std::string& summary, auto run, bool named,
                       bool writes) {
    auto flags = std::make_shared<UserFlags>();
    CLI::App* sub = app->add_subcommand(name, summary);
    sub->add_option("--data", flags->data, "as given to init")->required();
    if (named) sub->add_option("name", flags->name, "the person")->required();
    if (writes) {
      sub->add_option("--context-file", flags->context_file,
                      "where the context with the new key goes; - for the standard output")
          ->required();
      sub->add_option("--context-name", flags->context_name, "what the context is called")
          ->capture_default_str();
    }
    sub->callback([flags, run, code] { *code = ReportStatus(run(*flags)); });
  };
  add(
      "add", "let a person in", [](const UserFlags& flags) { return WriteUser(flags, false); },
      true, true);
  add(
      "renew", "a new key and certificate; the old ones end",
      [](const UserFlags& flags) { return WriteUser(flags, true); }, true, true);
  add(
      "remove", "shut a person out",
      [](const UserFlags& flags) {
        return UserDirectory(absl::StrCat(flags.data, "/users")).Remove(flags.name);
      },
      true, false);
  add("list", "show all", ListUsers, false, false);
}

int Main(int argc, char** argv) {
  int code = 0;
  CLI::App app("The hub: follows Git, tells the agents, answers people.", "lockstep-hub");
  app.set_version_flag("--version", absl::StrCat("lockstep-hub ", LOCKSTEP_VERSION));
  app.require_subcommand(1);
  AddInit(&app, &code);
  AddServe(&app, &code);
  AddUser(&app, &code);
  AddRecover(&app, &code);
  AddSecrets(&app, &code);
  return RunCommandLine(&app, argc, argv, &code);
}

}  // namespace
}  // namespace lockstep

int main(int argc, char** argv) {
  lockstep::PrepareProcess();
  // The program that the hub starts for itself to talk to Git servers (hub/source); before anything
  // else runs.
  if (argc >= 2 && std::string(argv[1]) == "fetch-server")
    return lockstep::RunFetchServer(lockstep::kFetchServerFd);
  return lockstep::Main(argc, argv);
}
