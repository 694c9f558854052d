#pragma once

namespace lockstep {

/// Keys and credentials are in memory: no core file of this process or its children is ever written
/// (DESIGN invariant 11). Call first in main.
void DisableCoreDumps();

/// What this process and its children make is its user's alone (umask 077); a file that is meant
/// for others is given its mode. Call first in main.
void KeepFilesPrivate();

/// In optimised builds: no record is kept of the order in which locks are taken. The packaged absl
/// was built with its assertions and has the record on for every program: one graph under one lock
/// for all threads, a tenth of what a thousand agents and their hub spend. Debug and sanitizer
/// builds keep it. Call before threads start.
void SkipLockOrderChecks();

}  // namespace lockstep
