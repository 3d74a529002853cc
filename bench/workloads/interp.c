// An interpreter of byte code for a stack machine, with computed goto; it runs a loop that computes Collatz lengths.
#include "workload.h"
enum op { PUSH, LOAD, STORE, ADD, MUL, SHIFT, ODD, LESS, JUMPZ, JUMP, CALL, RETURN, DUP, DROP, HALT };

static NOINLINE u64 run(const u8 *code, u64 *locals) {
  static const void *const labels[] = {&&push,  &&load, &&store, &&add,     &&mul, &&shift, &&odd, &&less,
                                       &&jumpz, &&jump, &&call,  &&returns, &&dup, &&drop,  &&halt};
  u64 stack[64], *top = stack;
  const u8 *pc = code;
#define NEXT goto *labels[*pc++]
  *top = 0;
  NEXT;
push: *++top = *pc++; NEXT;
load: *++top = locals[*pc++]; NEXT;
store: locals[*pc++] = *top--; NEXT;
add: top--, *top += top[1]; NEXT;
mul: top--, *top *= top[1]; NEXT;
shift: *top >>= 1; NEXT;
odd: *top &= 1; NEXT;
less: top--, *top = *top < top[1]; NEXT;
jumpz:
  if (*top-- == 0) pc = code + (pc[0] | pc[1] << 8);
  else pc += 2;
  NEXT;
jump: pc = code + (pc[0] | pc[1] << 8); NEXT;
call: *++top = (u64)(pc + 2 - code), pc = code + (pc[0] | pc[1] << 8); NEXT;
returns: pc = code + *top--; NEXT;
dup: top[1] = *top, top++; NEXT;
drop: top--; NEXT;
halt: return *top;
}

// for (n < limit) for (x = n; 1 < x; x = step(x)) sum++. Locals: 0 = n, 1 = limit, 2 = sum, 3 = x. The rest and the targets are filled in.
static const u8 code[] = {
    /*  0 */ LOAD, 0, LOAD, 1, LESS, JUMPZ, 40, 0, LOAD, 0, STORE, 3,
    /* 12 */ PUSH, 1, LOAD, 3, LESS, JUMPZ, 30, 0, CALL, 50, 0, LOAD, 2, PUSH, 1, ADD, STORE, 2,
};

static u64 work(u64 rounds, u64 seed) {
  u8 program[128];
  u64 sum = seed;
  size_t at = sizeof code;
  memcpy(program, code, at);
  // Back to the test of x; then n += 1 and back to the test of n.
  program[at++] = JUMP, program[at++] = 12, program[at++] = 0;
  program[18] = (u8)at;
  program[at++] = LOAD, program[at++] = 0, program[at++] = PUSH, program[at++] = 1, program[at++] = ADD, program[at++] = STORE, program[at++] = 0;
  program[at++] = JUMP, program[at++] = 0, program[at++] = 0;
  program[6] = (u8)at;
  program[at++] = LOAD, program[at++] = 2, program[at++] = HALT;
  // step(x): 3x + 1 if odd, else x / 2.
  program[21] = (u8)at;
  program[at++] = LOAD, program[at++] = 3, program[at++] = DUP, program[at++] = ODD, program[at++] = JUMPZ;
  size_t even = at;
  at += 2;
  program[at++] = PUSH, program[at++] = 3, program[at++] = MUL, program[at++] = PUSH, program[at++] = 1, program[at++] = ADD;
  program[at++] = STORE, program[at++] = 3, program[at++] = RETURN;
  program[even] = (u8)at, program[even + 1] = 0;
  program[at++] = SHIFT, program[at++] = STORE, program[at++] = 3, program[at++] = RETURN;
  for (u64 round = 0; round < rounds; round++) {
    u64 from = 1 + (random64() & 0xffff), locals[4] = {from, from + 100, 0, 0};
    sum = fold(sum, run(program, locals));
  }
  return sum;
}
