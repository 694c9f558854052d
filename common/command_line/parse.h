#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace lockstep {

/// What a program ends with after a wrong use of it (STYLE 14).
inline constexpr int kExitWrongUse = 2;

/// Parses `arguments`, without the program's name, into `app`, and runs its callbacks. Help and
/// versions go to `out`, messages to `talk`: the same in every program of ours, with the nearest
/// known word for an unknown one and the help to read next.
///
/// Returns what the program has to end with: 0 after help or a version, kExitWrongUse after an
/// error; nothing where the arguments were good.
std::optional<int> ParseCommandLine(CLI::App* app, std::vector<std::string> arguments,
                                    std::ostream& out, std::ostream& talk);

}  // namespace lockstep
