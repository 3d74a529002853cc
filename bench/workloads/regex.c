// Regular expressions (. [] * + ? | and groups) compiled to a program, matched by running all its threads at once (Pike's way).
#include "workload.h"
#define CODE_MAX 256
enum op { CHAR, ANY, CLASS, SPLIT, JUMP, MATCH };
struct inst {
  enum op op;
  u8 ch;
  u16 x, y;
};
static struct inst code[CODE_MAX];
static u8 classes[16][32];
static int used, class_count;
static const char *source;

static int alternatives(void);

static int emit(enum op op, u8 ch, int x, int y) {
  if (used == CODE_MAX) exit(1);
  code[used] = (struct inst){op, ch, (u16)x, (u16)y};
  return used++;
}

// Makes room for one instruction at `at`; targets behind it move with their instructions.
static void insert(int at) {
  for (int i = used++; i > at; i--) code[i] = code[i - 1];
  for (int i = at + 1; i < used; i++) {
    if (code[i].op != SPLIT && code[i].op != JUMP) continue;
    if (code[i].x >= at) code[i].x++;
    if (code[i].op == SPLIT && code[i].y >= at) code[i].y++;
  }
}

static void set(void) {
  u8 *bits = classes[class_count];
  int negate = *source == '^';
  if (negate) source++;
  while (*source != ']') {
    u8 from = (u8)*source++, to = from;
    if (*source == '-') to = (u8)source[1], source += 2;
    for (int ch = from; ch <= to; ch++) bits[ch >> 3] |= (u8)(1 << (ch & 7));
  }
  source++;
  if (negate)
    for (int i = 0; i < 32; i++) bits[i] = (u8)~bits[i];
  emit(CLASS, (u8)class_count++, 0, 0);
}

static void piece(void) {
  int start = used;
  char ch = *source++;
  if (ch == '(') alternatives(), source++;
  else if (ch == '[') set();
  else emit(ch == '.' ? ANY : CHAR, (u8)ch, 0, 0);
  for (; *source == '*' || *source == '+' || *source == '?'; source++) {
    if (*source == '+') {
      emit(SPLIT, 0, start, used + 1);
      continue;
    }
    insert(start);
    if (*source == '*') emit(JUMP, 0, start, 0);
    code[start] = (struct inst){SPLIT, 0, (u16)(start + 1), (u16)used};
  }
}

static int alternatives(void) {
  int start = used;
  while (*source != 0 && *source != '|' && *source != ')') piece();
  if (*source != '|') return start;
  source++;
  insert(start);
  int jump = emit(JUMP, 0, 0, 0);
  code[start] = (struct inst){SPLIT, 0, (u16)(start + 1), (u16)used};
  alternatives();
  code[jump].x = (u16)used;
  return start;
}

static void compile(const char *pattern) {
  used = class_count = 0;
  memset(classes, 0, sizeof classes);
  source = pattern;
  alternatives();
  emit(MATCH, 0, 0, 0);
}

struct list {
  int count;
  u16 at[CODE_MAX];
};
static u32 mark[CODE_MAX], generation;

static void add(struct list *list, u16 pc) {
  if (mark[pc] == generation) return;
  mark[pc] = generation;
  if (code[pc].op == JUMP) add(list, code[pc].x);
  else if (code[pc].op == SPLIT) add(list, code[pc].x), add(list, code[pc].y);
  else list->at[list->count++] = pc;
}

static inline int accepts(const struct inst *inst, u8 ch) {
  switch (inst->op) {
  case CHAR: return inst->ch == ch;
  case ANY: return ch != '\n';
  case CLASS: return classes[inst->ch][ch >> 3] >> (ch & 7) & 1;
  default: return 0;
  }
}

// The number of places where a match ends, and their sum.
static NOINLINE u64 run(const char *text, size_t length) {
  struct list lists[2] = {{0}, {0}}, *now = &lists[0], *next = &lists[1];
  u64 ends = 0;
  for (size_t at = 0;; at++) {
    if (now->count == 0) generation++;
    add(now, 0);
    generation++;
    next->count = 0;
    for (int i = 0; i < now->count; i++) {
      const struct inst *inst = &code[now->at[i]];
      if (inst->op == MATCH) ends = fold(ends, at);
      else if (at < length && accepts(inst, (u8)text[at])) add(next, (u16)(now->at[i] + 1));
    }
    struct list *swap = now;
    now = next;
    next = swap;
    if (at == length) return ends;
  }
}

static u64 work(u64 rounds, u64 seed) {
  static const char *const patterns[] = {"[a-z]+@[a-z]+.(com|org)", "(ab|ba)*c?d+", "x[^ ]*y|[0-9]+.[0-9]*", "(a|b|c)+e(f.)*g", "q?w?e?r?t?y"};
  static char text[4096];
  u64 sum = seed;
  for (size_t i = 0; i < sizeof text; i++) {
    u64 pick = random64();
    text[i] = "abcdefgxyzab09 .@\nqwertyabcab"[pick % 29];
  }
  for (u64 round = 0; round < rounds; round++) {
    compile(patterns[round % 5]);
    sum = fold(sum, run(text, sizeof text));
    text[random64() % sizeof text] = (char)('a' + random64() % 26);
  }
  return sum;
}
