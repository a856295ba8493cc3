/*
 * Drives one C allocator as the benchmark's WASM loop drives ours: parsed operations, ids bound to slots, the heap
 * restarted before each pass. Included by the allocator's file, so that the compiler sees loop and allocator at once.
 *
 * The device's RAM is an array and an address is an offset into it: links are 32 bits wide, and blocks lie exactly
 * where they lie on a 32-bit core.
 *
 *   ram  ├ 0: no address ┼ state: the allocator's variables ┼ arena … ┤
 *
 * Called with the operations' file (records of 6 words, OperationField), the offsets of state and arena, and the
 * arena's bytes. Commands on standard
 * input, a line each: "p" runs a pass and prints its nanoseconds, "v" runs one and prints every placement.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RAM_BYTES 1052672u

static _Alignas(64) unsigned char ram[RAM_BYTES];

/* Where the heap lies is known when it is started, not when it is compiled: what a C heap's handle tells it. */
static uint32_t state;
static uint32_t arena;

static void heap_start(uint32_t arena_bytes);
static uint32_t heap_allocate(uint32_t request_bytes);
static void heap_release(uint32_t payload);

enum { ALLOCATE, ALLOCATE_ALIGNED, REALLOCATE, RELEASE };

struct operation {
  uint32_t opcode, slot, request_bytes, alignment, expected, result;
};

struct slot {
  uint32_t address, request_bytes;
};

static struct operation *operations;
static size_t operation_count;
static struct slot *slots;
static size_t slot_count;

static void fail(const char *what)
{
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static void read_operations(const char *path)
{
  FILE *file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END) != 0) fail("cannot read the operations");
  operation_count = (size_t)ftell(file) / sizeof *operations;
  rewind(file);
  operations = malloc(operation_count * sizeof *operations);
  if (!operations || fread(operations, sizeof *operations, operation_count, file) != operation_count) fail("cannot read the operations");
  fclose(file);
  for (size_t i = 0; i < operation_count; i++) {
    if (operations[i].opcode != ALLOCATE && operations[i].opcode != RELEASE) fail("only allocations and releases are compared");
    if (operations[i].slot >= slot_count) slot_count = (size_t)operations[i].slot + 1;
  }
  slots = malloc(slot_count * sizeof *slots);
  if (!slots) fail("no memory for the slots");
}

static __attribute__((noinline)) void replay(void)
{
  const struct operation *end = operations + operation_count;
  for (const struct operation *operation = operations; operation < end; operation++) {
    struct slot *slot = slots + operation->slot;
    if (operation->opcode == RELEASE) {
      if (slot->address) heap_release(slot->address);
    } else {
      slot->address = heap_allocate(operation->request_bytes);
      slot->request_bytes = operation->request_bytes;
    }
  }
}

static void place(void)
{
  for (size_t i = 0; i < operation_count; i++) {
    struct operation *operation = operations + i;
    struct slot *slot = slots + operation->slot;
    if (operation->opcode == RELEASE) {
      if (slot->address) heap_release(slot->address);
      continue;
    }
    slot->address = heap_allocate(operation->request_bytes);
    printf("%ld\n", slot->address ? (long)(slot->address - arena) : -1L);
  }
}

static long long nanoseconds(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int count, char **arguments)
{
  char command[16];
  if (count != 5) fail("usage: operations state arena arena-bytes");
  read_operations(arguments[1]);
  state = (uint32_t)strtoul(arguments[2], NULL, 10);
  arena = (uint32_t)strtoul(arguments[3], NULL, 10);
  uint32_t arena_bytes = (uint32_t)strtoul(arguments[4], NULL, 10);
  if (arena > RAM_BYTES || arena_bytes > RAM_BYTES - arena) fail("the arena is too large");
  while (fgets(command, sizeof command, stdin)) {
    memset(slots, 0, slot_count * sizeof *slots);
    heap_start(arena_bytes);
    if (command[0] == 'v') {
      place();
      puts("end");
    } else {
      long long start = nanoseconds();
      replay();
      printf("%lld\n", nanoseconds() - start);
    }
    fflush(stdout);
  }
  return 0;
}
