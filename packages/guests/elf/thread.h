/* SPDX-License-Identifier: Apache-2.0
 * Threads on raw clone: started with a stack of their own, joined through the futex that the kernel clears at their end. */
#ifndef THREAD_H
#define THREAD_H

#include "guest.h"

#define THREAD_FLAGS \
  (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

struct thread {
  int tid;
  char stack[16384] __attribute__((aligned(16)));
};

/* a0..a4 are already clone's; the child calls a5(a6) on its new stack and ends. */
long thread_clone(unsigned long flags, void *stack, int *parent_tid, unsigned long tls, int *child_tid, void (*run)(void *), void *argument);
__asm__("thread_clone:\n  li a7, 220\n  ecall\n  bnez a0, 1f\n  mv a0, a6\n  jalr a5\n  li a0, 0\n  li a7, 93\n  ecall\n1:\n  ret\n");

static inline void thread_start(struct thread *thread, void (*run)(void *), void *argument, unsigned long tls) {
  thread->tid = -1;
  must(thread_clone(THREAD_FLAGS, thread->stack + sizeof thread->stack, &thread->tid, tls, &thread->tid, run, argument));
}
static inline long futex(volatile int *word, int operation, int value, const struct timespec *timeout) {
  return sys(futex, word, operation, value, timeout);
}
static inline void thread_join(struct thread *thread) {
  for (int tid; (tid = *(volatile int *)&thread->tid) != 0;) futex(&thread->tid, FUTEX_WAIT, tid, NULL);
}

/* A mutex in three states: 0 free, 1 held, 2 held and waited for. */
static inline void lock(volatile int *mutex) {
  int seen = __sync_val_compare_and_swap(mutex, 0, 1);
  while (seen != 0) {
    if (seen == 2 || __sync_val_compare_and_swap(mutex, 1, 2) != 0) futex(mutex, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 2, NULL);
    seen = __sync_val_compare_and_swap(mutex, 0, 2);
  }
}
static inline void unlock(volatile int *mutex) {
  if (__sync_fetch_and_sub(mutex, 1) != 1) {
    *mutex = 0;
    __sync_synchronize();
    futex(mutex, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL);
  }
}

#endif
