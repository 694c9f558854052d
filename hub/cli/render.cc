#include <filesystem>
#include <memory>
#include <ostream>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_replace.h>

#include "common/base/file.h"
#include "common/base/status.h"
#include "common/render/disk/disk_snapshot.h"
#include "common/render/kustomize/build.h"
#include "hub/cli/command.h"
#include "hub/cli/render_flags.h"
#include "hub/cli/render_tree.h"

namespace lockstep {
namespace {

namespace fs = std::filesystem;

struct Flags {
  RenderFlags build;
  std::string directory = ".";
  std::string output;  // A file instead of standard output.
  bool all = false;
  std::string out;  // Of --all.
};

absl::StatusOr<int> RenderOne(CommandContext& context, const Flags& flags) {
  LOCKSTEP_ASSIGN_OR_RETURN(const kustomize::BuildOptions options, flags.build.ToOptions());
  LOCKSTEP_ASSIGN_OR_RETURN(const RenderPlace place, OpenRenderPlace(flags.directory));
  kustomize::FileCache cache;
  const absl::StatusOr<kustomize::BuildResult> built =
      kustomize::Build(*place.snapshot, place.path, options, &cache);
  if (!built.ok()) return AsRenderFailure(built.status());
  for (const std::string& warning : built->warnings) {
    context.talk() << "warning: " << ForTerminal(FromHere(warning)) << "\n";
  }
  const absl::StatusOr<std::string> text = kustomize::WriteResources(built->resources);
  if (!text.ok()) return AsRenderFailure(text.status());
  if (flags.output.empty()) {
    context.out() << *text;
    return kExitDone;
  }
  LOCKSTEP_RETURN_IF_ERROR(WriteFileAtomic(flags.output, *text, Durability::kNone));
  return kExitDone;
}

/// "apps__web.yaml" for "apps/web".
std::string FileNameOf(absl::string_view folder) {
  return absl::StrCat(folder.empty() ? "." : absl::StrReplaceAll(folder, {{"/", "__"}}), ".yaml");
}

/// One line that is written over itself, on a terminal.
class ProgressBar {
 public:
  ProgressBar(CommandContext* context, size_t all) : context_(*context), all_(all) {}

  void Show(size_t done) {
    if (!context_.interactive() || all_ == 0) return;
    constexpr size_t kWidth = 40;
    const size_t filled = done * kWidth / all_;
    context_.talk() << absl::StrFormat("\rrendering [%s%s] %d of %d", std::string(filled, '#'),
                                       std::string(kWidth - filled, ' '), done, all_)
                    << std::flush;
  }
  void Clear() {
    if (context_.interactive()) context_.talk() << "\r\x1b[K" << std::flush;
  }

 private:
  CommandContext& context_;
  const size_t all_;
};

absl::StatusOr<int> RenderAll(CommandContext& context, const Flags& flags) {
  if (flags.out.empty()) {
    return absl::InvalidArgumentError("--all needs --out OUTDIR, the folder for what is rendered");
  }
  LOCKSTEP_ASSIGN_OR_RETURN(const kustomize::BuildOptions options, flags.build.ToOptions());
  LOCKSTEP_ASSIGN_OR_RETURN(const RenderPlace place, OpenRenderPlace(flags.directory));
  LOCKSTEP_ASSIGN_OR_RETURN(const std::vector<std::string> folders,
                            FindKustomizations(*place.snapshot, place.path));
  std::error_code error;
  fs::create_directories(flags.out, error);
  if (error) return FileError(error.value(), "making", flags.out);

  TreeRenderer renderer(place.snapshot.get(), place.path, options);
  const auto write = [&flags](const std::string& folder, const std::string& text) {
    return WriteFileAtomic(absl::StrCat(flags.out, "/", FileNameOf(folder)), text,
                           Durability::kNone);
  };
  ProgressBar bar(&context, folders.size());
  const std::vector<TreeRenderer::Refused> refused =
      renderer.Render(folders, write, [&bar](size_t done) { bar.Show(done); });
  bar.Clear();
  for (const auto& [folder, why] : refused) {
    fs::remove(absl::StrCat(flags.out, "/", FileNameOf(folder)), error);  // Of an earlier run.
    context.talk() << (folder.empty() ? "." : ForTerminal(folder)) << ": "
                   << OneLine(FromHere(why.message())) << "\n";
  }
  if (context.interactive() || !refused.empty()) {
    context.talk() << "rendered " << folders.size() - refused.size() << " of " << folders.size()
                   << " kustomizations\n";
  }
  return refused.empty() ? kExitDone : kExitFailed;
}

}  // namespace

void AddRenderCommand(CommandSet* set) {
  auto flags = std::make_shared<Flags>();
  CLI::App* app = set->Add(
      "render", "print what a kustomization builds to, offline", [flags](CommandContext& context) {
        return flags->all ? RenderAll(context, *flags) : RenderOne(context, *flags);
      });
  app->add_option("DIR", flags->directory, "folder of the kustomization");
  app->add_option("-o,--output", flags->output, "file to write instead of standard output");
  app->add_flag("--all", flags->all, "every kustomization at and below DIR");
  app->add_option("--out", flags->out, "with --all: folder for the results");
  flags->build.AddTo(app);
}

}  // namespace lockstep
