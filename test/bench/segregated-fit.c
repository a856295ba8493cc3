/*
 * Two-level segregated fit in C, placing exactly as assembly/allocators/tlsf.ts does with its default index
 * (24 first levels of 32 lists): the measure for its speed.
 *
 *   arena  ├ index ┼ block ┼ block ┼ … ┼ end ┤
 *   block  ├ lower neighbour, while that is free ┼ payload bytes, flags ┼ payload, or list links ┤
 *
 * A block's offset is that of its first word, which belongs to its lower neighbour. Lists end at the index's first
 * member, a block that takes what is stored to the neighbours of a list's ends.
 */
#include "harness.h"

#define SECOND_LOG2 5
#define SECONDS (1u << SECOND_LOG2)
#define FIRSTS 24
#define LARGEST_LOG2 30
#define LARGEST_BYTES ((1u << LARGEST_LOG2) - (1u << (LARGEST_LOG2 - 1 - SECOND_LOG2)))
#define LINEAR_BYTES (4u * SECONDS)
#define LEAST_BYTES 12u
#define HEADER_BYTES 4u
#define TO_PAYLOAD 8u
#define NONE arena

enum { FREE = 1, LOWER_FREE = 2, FLAGS = FREE | LOWER_FREE };

struct block {
  uint32_t lower, word, next, previous;
};

struct list_index {
  struct block none;
  uint32_t firsts;
  uint32_t seconds[FIRSTS];
  uint32_t heads[FIRSTS][SECONDS];
};

struct place {
  uint32_t first, second;
};

static inline struct block *at(uint32_t offset)
{
  return (struct block *)(ram + offset);
}

static inline struct list_index *lists(void)
{
  return (struct list_index *)(ram + arena);
}

static inline uint32_t log2_of(uint32_t bytes)
{
  return 31u - (uint32_t)__builtin_clz(bytes);
}

/* Lists 4 bytes apart at first, then 32 to a power of two. */
static inline struct place place_of(uint32_t bytes)
{
  if (bytes < LINEAR_BYTES) return (struct place){0, bytes / 4};
  uint32_t octave = log2_of(bytes);
  return (struct place){octave - (SECOND_LOG2 + 1), (bytes >> (octave - SECOND_LOG2)) - SECONDS};
}

static inline uint32_t above(uint32_t block, uint32_t bytes)
{
  return block + HEADER_BYTES + bytes;
}

static inline void enlist(uint32_t block, uint32_t bytes)
{
  struct list_index *index = lists();
  struct place place = place_of(bytes);
  uint32_t *head = &index->heads[place.first][place.second];
  at(block)->next = *head;
  at(block)->previous = NONE;
  at(*head)->previous = block;
  *head = block;
  index->firsts |= 1u << place.first;
  index->seconds[place.first] |= 1u << place.second;
}

static inline void delist(uint32_t block, struct place place)
{
  struct list_index *index = lists();
  uint32_t next = at(block)->next;
  uint32_t previous = at(block)->previous;
  at(next)->previous = previous;
  at(previous)->next = next;
  if (index->heads[place.first][place.second] != block) return;
  index->heads[place.first][place.second] = next;
  if (next != NONE) return;
  index->seconds[place.first] &= ~(1u << place.second);
  if (index->seconds[place.first] == 0) index->firsts &= ~(1u << place.first);
}

static void heap_start(uint32_t arena_bytes)
{
  struct list_index *index = lists();
  memset(index, 0, sizeof *index);
  for (int first = 0; first < FIRSTS; first++) {
    for (uint32_t second = 0; second < SECONDS; second++) index->heads[first][second] = NONE;
  }
  uint32_t block = arena + (uint32_t)sizeof *index - HEADER_BYTES;
  uint32_t bytes = (arena_bytes - (uint32_t)sizeof *index - 2 * HEADER_BYTES) & ~3u;
  at(block)->word = bytes | FREE;
  enlist(block, bytes);
  at(above(block, bytes))->lower = block;
  at(above(block, bytes))->word = LOWER_FREE;
}

static uint32_t heap_allocate(uint32_t request_bytes)
{
  struct list_index *index = lists();
  uint32_t wanted = (request_bytes + 3) & ~3u;
  if (request_bytes == 0 || wanted > LARGEST_BYTES) return 0;
  if (wanted < LEAST_BYTES) wanted = LEAST_BYTES;
  uint32_t sure = wanted < LINEAR_BYTES ? wanted : wanted + (1u << (log2_of(wanted) - SECOND_LOG2)) - 1;
  struct place place = place_of(sure);
  uint32_t row = index->seconds[place.first] & (~0u << place.second);
  if (row == 0) {
    uint32_t firsts = index->firsts & (~0u << (place.first + 1));
    if (firsts == 0) return 0;
    place.first = (uint32_t)__builtin_ctz(firsts);
    row = index->seconds[place.first];
  }
  place.second = (uint32_t)__builtin_ctz(row);
  uint32_t block = index->heads[place.first][place.second];
  delist(block, place);

  uint32_t word = at(block)->word;
  uint32_t bytes = word & ~(uint32_t)FLAGS;
  uint32_t upper = above(block, bytes);
  if (bytes >= wanted + sizeof(struct block)) {
    uint32_t rest = above(block, wanted);
    uint32_t rest_bytes = bytes - wanted - HEADER_BYTES;
    at(rest)->word = rest_bytes | FREE;
    at(upper)->lower = rest;
    at(block)->word = wanted | (word & LOWER_FREE);
    enlist(rest, rest_bytes);
  } else {
    at(upper)->word &= ~(uint32_t)LOWER_FREE;
    at(block)->word = word & ~(uint32_t)FREE;
  }
  return block + TO_PAYLOAD;
}

static void heap_release(uint32_t payload)
{
  uint32_t block = payload - TO_PAYLOAD;
  uint32_t word = at(block)->word;
  if (word & FREE) return;
  uint32_t bytes = word & ~(uint32_t)FLAGS;
  uint32_t upper = above(block, bytes);
  if (word & LOWER_FREE) {
    uint32_t lower = at(block)->lower;
    uint32_t lower_bytes = at(lower)->word & ~(uint32_t)FLAGS;
    delist(lower, place_of(lower_bytes));
    block = lower;
    bytes += lower_bytes + HEADER_BYTES;
  }
  uint32_t upper_word = at(upper)->word;
  if (upper_word & FREE) {
    uint32_t upper_bytes = upper_word & ~(uint32_t)FLAGS;
    delist(upper, place_of(upper_bytes));
    bytes += upper_bytes + HEADER_BYTES;
    upper = above(block, bytes);
  }
  at(block)->word = bytes | FREE | (at(block)->word & LOWER_FREE);
  at(upper)->lower = block;
  at(upper)->word |= LOWER_FREE;
  enlist(block, bytes);
}
