#include "hub/source/fetch_server.h"

// The fetch server of tests that have no hub program: LOCKSTEP_TEST_FETCH_SERVER is its path.
int main() { return lockstep::RunFetchServer(lockstep::kFetchServerFd); }
