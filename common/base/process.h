#pragma once

namespace lockstep {

/// Keys and credentials are in memory: no core file of this process or its children is ever written (DESIGN invariant
/// 11). Call first in main.
void DisableCoreDumps();

}  // namespace lockstep
