// Five bodies and their gravity, double precision.
#define ROUNDED
#include "workload.h"
#include <math.h>
#define BODIES 5
struct body {
  double x, y, z, vx, vy, vz, mass;
};
static struct body bodies[BODIES];

static NOINLINE void advance(double dt, u64 steps) {
  for (; steps > 0; steps--) {
    for (int i = 0; i < BODIES; i++)
      for (int j = i + 1; j < BODIES; j++) {
        struct body *a = &bodies[i], *b = &bodies[j];
        double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z, square = dx * dx + dy * dy + dz * dz;
        double pull = dt / (square * sqrt(square));
        a->vx -= dx * b->mass * pull, a->vy -= dy * b->mass * pull, a->vz -= dz * b->mass * pull;
        b->vx += dx * a->mass * pull, b->vy += dy * a->mass * pull, b->vz += dz * a->mass * pull;
      }
    for (int i = 0; i < BODIES; i++) bodies[i].x += dt * bodies[i].vx, bodies[i].y += dt * bodies[i].vy, bodies[i].z += dt * bodies[i].vz;
  }
}

static double energy(void) {
  double sum = 0;
  for (int i = 0; i < BODIES; i++) {
    struct body *a = &bodies[i];
    sum += 0.5 * a->mass * (a->vx * a->vx + a->vy * a->vy + a->vz * a->vz);
    for (int j = i + 1; j < BODIES; j++) {
      double dx = a->x - bodies[j].x, dy = a->y - bodies[j].y, dz = a->z - bodies[j].z;
      sum -= a->mass * bodies[j].mass / sqrt(dx * dx + dy * dy + dz * dz);
    }
  }
  return sum;
}

static u64 work(u64 rounds, u64 seed) {
  u64 sum = seed;
  // A heavy one in the middle, light ones on wide orbits: not chaotic within any number of rounds that is run.
  bodies[0] = (struct body){.mass = 39.5};
  for (int i = 1; i < BODIES; i++) {
    double far = 5.0 * i, angle = (double)(random64() >> 40) / (1 << 24) * 6.28, speed = sqrt(39.5 / far);
    bodies[i] = (struct body){far * cos(angle), far * sin(angle), 0.01 * i, -speed * sin(angle), speed * cos(angle), 0, 0.001 * i};
  }
  rounded("energy", energy());
  advance(0.001, rounds);
  rounded("energy", energy());
  for (int i = 0; i < BODIES; i++) sum = fold(sum, bits_of(bodies[i].x) ^ bits_of(bodies[i].vy));
  return sum;
}
