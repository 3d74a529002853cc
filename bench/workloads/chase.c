// Pointers chased in random order through 32 KB, 512 KB and 8 MB.
#include "workload.h"
#define NODES (1 << 19)
struct node {
  struct node *next;
  u64 value;
};
static struct node nodes[NODES];
static u32 order[NODES];

// One cycle through the first `count` nodes.
static void shuffle(u32 count) {
  for (u32 i = 0; i < count; i++) order[i] = i;
  for (u32 i = count - 1; i > 0; i--) {
    u32 j = (u32)(random64() % i), swap = order[i];
    order[i] = order[j];
    order[j] = swap;
  }
  for (u32 i = 0; i < count; i++) nodes[i] = (struct node){&nodes[order[i]], random64()};
}

static NOINLINE struct node *chase(struct node *node, u64 steps, u64 *sum) {
  u64 values = 0;
  for (; steps > 0; steps--, node = node->next) values += node->value;
  *sum = fold(*sum, values);
  return node;
}

static u64 work(u64 rounds, u64 seed) {
  static const u32 counts[] = {1 << 11, 1 << 15, NODES};
  u64 sum = seed;
  for (int i = 0; i < 3; i++) {
    // The largest is laid out only when there are steps enough to make it worth while.
    u32 count = rounds < 100 ? counts[0] << i : counts[i];
    shuffle(count);
    struct node *node = nodes;
    for (u64 round = 0; round < rounds; round++) node = chase(node, 10000 >> i, &sum);
  }
  return sum;
}
