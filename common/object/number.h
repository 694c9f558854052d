#pragma once

#include <string>

namespace lockstep {

/// Appends a finite double as Go's encoding/json prints it: the shortest digits that give the same
/// double; an exponent below 1e-6 and from 1e21 on ("1e-7", "1.5e+300").
void AppendDouble(double value, std::string* out);

}  // namespace lockstep
