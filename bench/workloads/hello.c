// What a start costs: no rounds of nothing.
#include "workload.h"
static u64 work(u64 rounds, u64 seed) { return fold(rounds, seed); }
