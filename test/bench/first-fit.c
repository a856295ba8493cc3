/*
 * First fit in C, placing exactly as assembly/allocators/list-fit-headers.ts does with its default options
 * (headers of 8 bytes, alignment 8, merging, smallest split 16): the measure for its speed.
 *
 *   block  ├ size, bit 0: live ┼ next hole ┼ payload … ┤      the list ascends and ends with 0
 */
#include "harness.h"

#define HEADER_BYTES 8u
#define ALIGNMENT 8u
#define LEAST_BYTES 16u
#define LIVE 1u

struct header {
  uint32_t size, next;
};

static uint32_t arena_size;

static inline struct header *at(uint32_t address)
{
  return (struct header *)(ram + address);
}

static void heap_start(uint32_t arena_bytes)
{
  arena_size = arena_bytes & ~(ALIGNMENT - 1);
  *at(state) = (struct header){.size = 0, .next = arena};
  *at(arena) = (struct header){.size = arena_size, .next = 0};
}

static uint32_t heap_allocate(uint32_t request_bytes)
{
  if (request_bytes - 1 >= arena_size) return 0;
  uint32_t wanted = (request_bytes + HEADER_BYTES + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
  struct header *previous = at(state);
  for (uint32_t link = previous->next; link != 0;) {
    struct header *hole = at(link);
    if (hole->size >= wanted) {
      uint32_t surplus = hole->size - wanted;
      if (surplus >= LEAST_BYTES) {
        struct header *rest = at(link + wanted);
        rest->size = surplus;
        rest->next = hole->next;
        previous->next = link + wanted;
        hole->size = wanted | LIVE;
      } else {
        previous->next = hole->next;
        hole->size |= LIVE;
      }
      return link + HEADER_BYTES;
    }
    previous = hole;
    link = hole->next;
  }
  return 0;
}

static void heap_release(uint32_t payload)
{
  uint32_t address = payload - HEADER_BYTES;
  struct header *block = at(address);
  if (!(block->size & LIVE)) return;
  block->size &= ~LIVE;
  uint32_t before = state;
  uint32_t next = at(state)->next;
  while (next != 0 && next < address) {
    before = next;
    next = at(next)->next;
  }
  if (address + block->size == next) {
    block->size += at(next)->size;
    block->next = at(next)->next;
  } else {
    block->next = next;
  }
  struct header *previous = at(before);
  if (before + previous->size == address) {
    previous->size += block->size;
    previous->next = block->next;
  } else {
    previous->next = address;
  }
}
