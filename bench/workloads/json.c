// Makes JSON text, parses it into a tree, walks the tree, and writes it again.
#include "workload.h"
#define TEXT_MAX (1 << 17)
#define VALUES_MAX 20000
enum kind { NIL, TRUE, FALSE, NUMBER, STRING, ARRAY, OBJECT };
struct value {
  enum kind kind;
  i64 number;
  const char *text;
  u32 length;
  struct value *first, *next, *key;
};
static char text[TEXT_MAX], again[TEXT_MAX], strings[TEXT_MAX];
static struct value values[VALUES_MAX];
static u32 value_count, string_bytes;
static char *out;
static const char *in;

static void put(const char *word) { while (*word != 0) *out++ = *word++; }

static void put_number(i64 number) {
  char digits[24], *at = digits + sizeof digits;
  u64 rest = number < 0 ? -(u64)number : (u64)number;
  *--at = 0;
  do *--at = (char)('0' + rest % 10);
  while (rest /= 10);
  if (number < 0) *out++ = '-';
  put(at);
}

static void put_string(const char *from, u32 length) {
  *out++ = '"';
  for (u32 i = 0; i < length; i++) {
    char ch = from[i];
    if (ch == '"' || ch == '\\') *out++ = '\\', *out++ = ch;
    else if (ch == '\n') *out++ = '\\', *out++ = 'n';
    else if ((u8)ch < 32) *out++ = '\\', *out++ = 'u', *out++ = '0', *out++ = '0', *out++ = (char)('0' + (ch >> 4)), *out++ = "0123456789abcdef"[ch & 15];
    else *out++ = ch;
  }
  *out++ = '"';
}

static void make(int depth) {
  u64 pick = random64();
  int count = depth == 0 ? 40 : 1 + (int)(pick >> 8 & 7);
  switch (depth == 0 ? 6 : depth > 4 ? pick % 5 : pick % 8) {
  case 0: put("null"); return;
  case 1: put(pick & 256 ? "true" : "false"); return;
  case 2: put_number((i64)random64() >> (pick >> 16 & 63)); return;
  case 3:
  case 4: {
    char word[24];
    for (int i = 0; i < count * 3; i++) {
      u64 ch = random64();
      word[i] = (ch >> 8 & 31) == 0 ? '\n' : (ch >> 8 & 31) == 1 ? '"' : (ch >> 8 & 31) == 2 ? 7 : (char)('a' + ch % 26);
    }
    put_string(word, (u32)count * 3);
    return;
  }
  case 5:
    *out++ = '[';
    for (int i = 0; i < count; i++) {
      if (i > 0) *out++ = ',', *out++ = ' ';
      make(depth + 1);
    }
    *out++ = ']';
    return;
  default:
    *out++ = '{';
    for (int i = 0; i < count; i++) {
      if (i > 0) *out++ = ',', *out++ = '\n';
      *out++ = '"', put("key"), put_number((i64)(random64() & 1023)), *out++ = '"', *out++ = ':', *out++ = ' ';
      make(depth + 1);
    }
    *out++ = '}';
  }
}

static void space(void) { while (*in == ' ' || *in == '\n' || *in == '\t' || *in == '\r') in++; }

static struct value *fresh(enum kind kind) {
  if (value_count == VALUES_MAX) exit(1);
  struct value *value = &values[value_count++];
  *value = (struct value){.kind = kind};
  return value;
}

static struct value *string(void) {
  struct value *value = fresh(STRING);
  char *to = strings + string_bytes;
  value->text = to;
  for (in++; *in != '"'; in++) {
    if (*in != '\\') {
      *to++ = *in;
      continue;
    }
    switch (*++in) {
    case 'n': *to++ = '\n'; break;
    case 'u': {
      u32 code = 0;
      for (int i = 0; i < 4; i++) {
        char ch = *++in;
        code = code << 4 | (u32)(ch <= '9' ? ch - '0' : ch - 'a' + 10);
      }
      *to++ = (char)code;
      break;
    }
    default: *to++ = *in;
    }
  }
  in++;
  value->length = (u32)(to - value->text);
  string_bytes += value->length;
  return value;
}

static NOINLINE struct value *parse(void) {
  space();
  if (*in == '"') return string();
  if (*in == '-' || (*in >= '0' && *in <= '9')) {
    struct value *value = fresh(NUMBER);
    int negative = *in == '-';
    u64 number = 0;
    if (negative) in++;
    while (*in >= '0' && *in <= '9') number = number * 10 + (u64)(*in++ - '0');
    value->number = (i64)(negative ? -number : number);
    return value;
  }
  if (*in == '[' || *in == '{') {
    struct value *value = fresh(*in == '[' ? ARRAY : OBJECT), **tail = &value->first;
    char close = *in++ == '[' ? ']' : '}';
    for (;;) {
      struct value *key = NULL;
      if (close == '}') space(), key = string(), space(), in++;
      *tail = parse();
      (*tail)->key = key;
      tail = &(*tail)->next;
      space();
      if (*in++ == close) return value;
    }
  }
  enum kind kind = *in == 'n' ? NIL : *in == 't' ? TRUE : FALSE;
  in += kind == FALSE ? 5 : 4;
  return fresh(kind);
}

static NOINLINE void print(const struct value *value) {
  switch (value->kind) {
  case NIL: put("null"); return;
  case TRUE: put("true"); return;
  case FALSE: put("false"); return;
  case NUMBER: put_number(value->number); return;
  case STRING: put_string(value->text, value->length); return;
  default:
    *out++ = value->kind == ARRAY ? '[' : '{';
    for (const struct value *item = value->first; item != NULL; item = item->next) {
      if (item->key != NULL) print(item->key), *out++ = ':', *out++ = ' ';
      print(item);
      if (item->next != NULL) *out++ = ',', *out++ = value->kind == ARRAY ? ' ' : '\n';
    }
    *out++ = value->kind == ARRAY ? ']' : '}';
  }
}

static NOINLINE u64 walk(const struct value *value) {
  u64 sum = (u64)value->number + value->length + (u64)value->kind;
  for (const struct value *item = value->first; item != NULL; item = item->next) sum = fold(sum, walk(item) + (item->key ? item->key->length : 0));
  return sum;
}

static u64 work(u64 rounds, u64 seed) {
  u64 sum = seed;
  for (u64 round = 0; round < rounds; round++) {
    if (round % 16 == 0) {
      out = text;
      make(0);
      *out = 0;
    }
    in = text, value_count = string_bytes = 0, out = again;
    struct value *tree = parse();
    print(tree);
    *out = 0;
    if (strcmp(text, again) != 0) exit(1);
    sum = fold(sum, walk(tree));
  }
  return sum;
}
