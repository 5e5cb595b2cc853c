/* How far apart two processors are right now: TSC cycles for a cache line to go from one to the other and back.
 *
 * Usage: cache-line CPU CPU
 *
 * Two threads, one pinned to each processor, hand one word to and fro. Prints the median over many short rounds, since
 * a single interruption would spoil a mean. On virtual machines the answer flips between "near" and "far" placement
 * within seconds, so tools/bench prints it beside every figure.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <x86intrin.h>

enum { ROUNDS = 400, TURNS = 500 };

static _Alignas(128) atomic_uint turn;

static void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (pthread_setaffinity_np(pthread_self(), sizeof set, &set) != 0) {
    fprintf(stderr, "cache-line: cannot pin to processor %d\n", cpu);
    exit(1);
  }
}

/* Answers every odd turn, until all are done. */
static void *answer(void *cpu) {
  pin(*(int *)cpu);
  for (unsigned next = 1; next < 2u * ROUNDS * TURNS; next += 2) {
    while (atomic_load_explicit(&turn, memory_order_acquire) != next) _mm_pause();
    atomic_store_explicit(&turn, next + 1, memory_order_release);
  }
  return NULL;
}

static int compare(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

int main(int count, char **words) {
  if (count != 3) {
    fprintf(stderr, "usage: cache-line CPU CPU\n");
    return 2;
  }
  int here = atoi(words[1]), there = atoi(words[2]);
  static uint64_t cycles[ROUNDS];
  pthread_t other;
  pin(here);
  if (pthread_create(&other, NULL, answer, &there) != 0) return 1;
  unsigned next = 0;
  for (int round = 0; round < ROUNDS; round++) {
    uint64_t start = __rdtsc();
    for (int i = 0; i < TURNS; i++, next += 2) {
      atomic_store_explicit(&turn, next + 1, memory_order_release);
      while (atomic_load_explicit(&turn, memory_order_acquire) != next + 2) _mm_pause();
    }
    cycles[round] = (__rdtsc() - start) / TURNS;
  }
  pthread_join(other, NULL);
  qsort(cycles, ROUNDS, sizeof cycles[0], compare);
  printf("%llu\n", (unsigned long long)cycles[ROUNDS / 2]);
  return 0;
}
