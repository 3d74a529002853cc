// A CoreMark-like mix: linked list, matrix, state machine, checksum. Freestanding: only write and exit.
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned char u8;

static long syscall3(long n, long a, long b, long c) {
  register long a7 __asm__("a7") = n, a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
  return a0;
}

static u16 crc16(u8 data, u16 crc) {
  for (int i = 0; i < 8; i++) {
    u8 bit = (u8)((data & 1) ^ (crc & 1));
    data >>= 1;
    crc >>= 1;
    if (bit) crc ^= 0xa001;
  }
  return crc;
}

struct node { struct node *next; short key; short value; };
static struct node nodes[256];

static struct node *merge_sort(struct node *list) {
  for (int run = 1;; run *= 2) {
    struct node *rest = list, *tail = 0;
    list = 0;
    int merges = 0;
    while (rest) {
      merges++;
      struct node *a = rest, *b = rest;
      int na = 0, nb = run;
      for (; na < run && b; na++) b = b->next;
      while (na > 0 || (nb > 0 && b)) {
        struct node *e;
        if (na == 0 || (nb > 0 && b && b->key < a->key)) e = b, b = b->next, nb--;
        else e = a, a = a->next, na--;
        if (tail) tail->next = e; else list = e;
        tail = e;
      }
      rest = b;
    }
    tail->next = 0;
    if (merges <= 1) return list;
  }
}

static u16 lists(u32 seed, u16 crc) {
  for (int i = 0; i < 256; i++) {
    seed = seed * 1103515245 + 12345;
    nodes[i].key = (short)(seed >> 16);
    nodes[i].value = (short)i;
    nodes[i].next = i < 255 ? &nodes[i + 1] : 0;
  }
  struct node *list = merge_sort(nodes);
  for (struct node *n = list; n; n = n->next) crc = crc16((u8)n->value, crc);
  return crc;
}

#define N 24
static short A[N][N], B[N][N];
static int C[N][N];
static u16 matrices(u32 seed, u16 crc) {
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) A[i][j] = (short)(seed + i * j), B[i][j] = (short)(seed ^ (i + j));
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      int sum = 0;
      for (int k = 0; k < N; k++) sum += A[i][k] * B[k][j];
      C[i][j] = sum;
    }
  for (int i = 0; i < N; i++) crc = crc16((u8)C[i][i], crc);
  return crc;
}

static const char text[] = "5012,-874,+122,0x1f,3.14159,-6.02e23,1e-9,word,T0.3e-1F,-T.T++Tq,1T3.4e4z,34.0e-T^,";
static u16 states(u32 seed, u16 crc) {
  int count[6] = {0}, state = 0;
  for (int round = 0; round < 8; round++)
    for (const char *p = text; *p; p++) {
      char c = (char)(*p ^ ((seed >> round) & (p[0] == 'T')));
      switch (state) {
        case 0: state = c >= '0' && c <= '9' ? 1 : c == '+' || c == '-' ? 2 : c == '.' ? 3 : 5; break;
        case 1: if (c == '.') state = 3; else if (c == ',') state = 0; else if (c == 'e') state = 4; else if (c < '0' || c > '9') state = 5; break;
        case 2: state = c >= '0' && c <= '9' ? 1 : 5; break;
        case 3: if (c == 'e') state = 4; else if (c == ',') state = 0; else if (c < '0' || c > '9') state = 5; break;
        case 4: state = c == ',' ? 0 : (c >= '0' && c <= '9') || c == '-' ? 4 : 5; break;
        default: if (c == ',') state = 0;
      }
      count[state]++;
    }
  for (int i = 0; i < 6; i++) crc = crc16((u8)count[i], crc);
  return crc;
}

void _start(void) {
  u16 crc = 0xffff;
  for (u32 i = 0; i < 3000; i++) crc = lists(i, crc), crc = matrices(i, crc), crc = states(i, crc);
  char out[5];
  for (int i = 0; i < 4; i++) out[i] = "0123456789abcdef"[(crc >> (12 - 4 * i)) & 15];
  out[4] = '\n';
  syscall3(64, 1, (long)out, 5);
  syscall3(93, 0, 0, 0);
}
