// Virtual calls: shapes of six kinds in random order behind tables of functions.
#include "workload.h"
#define COUNT 4096
struct shape;
struct table {
  u64 (*area)(const struct shape *);
  void (*move)(struct shape *, u64);
  u64 (*visit)(const struct shape *, u64 (*with)(const struct shape *, u64), u64);
};
struct shape {
  const struct table *table;
  u64 a, b, c;
};

static u64 area_box(const struct shape *s) { return s->a * s->b; }
static u64 area_square(const struct shape *s) { return s->a * s->a; }
static u64 area_triangle(const struct shape *s) { return s->a * s->b >> 1; }
static u64 area_ring(const struct shape *s) { return s->a * s->a - s->b * s->b; }
static u64 area_line(const struct shape *s) { return s->c & 1; }
static u64 area_prism(const struct shape *s) { return 2 * (s->a * s->b + s->b * s->c + s->a * s->c); }
static void move_all(struct shape *s, u64 by) { s->a += by, s->b += by, s->c += by; }
static void move_one(struct shape *s, u64 by) { s->c ^= by; }
static void move_turn(struct shape *s, u64 by) {
  u64 a = s->a;
  s->a = s->b, s->b = s->c, s->c = a + by;
}
static u64 visit_once(const struct shape *s, u64 (*with)(const struct shape *, u64), u64 sum) { return with(s, sum); }
static u64 visit_twice(const struct shape *s, u64 (*with)(const struct shape *, u64), u64 sum) { return with(s, with(s, sum)); }
static const struct table kinds[6] = {
    {area_box, move_all, visit_once},  {area_square, move_one, visit_twice}, {area_triangle, move_turn, visit_once},
    {area_ring, move_all, visit_once}, {area_line, move_turn, visit_twice},  {area_prism, move_one, visit_once},
};
static struct shape shapes[COUNT];

static u64 weigh(const struct shape *s, u64 sum) { return sum * 31 + s->table->area(s); }
static u64 mingle(const struct shape *s, u64 sum) { return (sum ^ s->b) + s->table->area(s); }

static u64 work(u64 rounds, u64 seed) {
  u64 sum = seed;
  for (int i = 0; i < COUNT; i++) shapes[i] = (struct shape){&kinds[random64() % 6], random64() & 1023, random64() & 1023, random64() & 1023};
  for (u64 round = 0; round < rounds; round++)
    for (int i = 0; i < COUNT; i++) {
      struct shape *s = &shapes[i];
      s->table->move(s, round & 15);
      sum = s->table->visit(s, sum & 1 ? weigh : mingle, sum);
    }
  return sum;
}
