/*
 *           31                             1  0
 *          +--------------------------------+--+
 *    +0    | block bytes, header included   |L |  L: live
 *          +--------------------------------+--+
 *    +4    | next hole, 0 behind the last      |  only in a hole
 *          +-----------------------------------+
 *    +8    | payload                           |
 *
 * Invariants: the list is exactly the holes, ascending; no two holes touch; blocks are multiples of 8 bytes.
 * Cost: O(holes) for both.
 */
#include "first_fit.h"

#include <reent.h>
#include <stdint.h>
#include <string.h>

enum { HEADER_BYTES = 8, ALIGNMENT = 8, HOLE_BYTES_LEAST = 16 };

#define LIVE 1u

struct block {
  size_t bytes;
  struct block *next;
};

static struct block list; /* of no bytes, so that no block is merged with it */
static size_t arena_bytes;

static struct block *behind(struct block *block, size_t bytes)
{
  return (struct block *)((uintptr_t)block + bytes);
}

static struct block *block_of(void *payload)
{
  return (struct block *)((uintptr_t)payload - HEADER_BYTES);
}

void first_fit_start(void *low, void *end)
{
  struct block *hole = low;
  arena_bytes = ((uintptr_t)end - (uintptr_t)low) & ~(size_t)(ALIGNMENT - 1);
  *hole = (struct block){arena_bytes, NULL};
  list = (struct block){0, hole};
}

/* [        hole        ] => [ block ][   hole   ], or all of it when the rest is too small to be one. */
static void *take(struct block *previous, struct block *hole, size_t bytes)
{
  size_t rest_bytes = hole->bytes - bytes;
  if (rest_bytes >= HOLE_BYTES_LEAST) {
    struct block *rest = behind(hole, bytes);
    *rest = (struct block){rest_bytes, hole->next};
    previous->next = rest;
    hole->bytes = bytes | LIVE;
  } else {
    previous->next = hole->next;
    hole->bytes |= LIVE;
  }
  return behind(hole, HEADER_BYTES);
}

void *first_fit_allocate(size_t request_bytes)
{
  if (request_bytes == 0 || request_bytes > arena_bytes) return NULL;
  size_t bytes = (request_bytes + HEADER_BYTES + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
  struct block *previous = &list;
  for (struct block *hole = list.next; hole != NULL; previous = hole, hole = hole->next) {
    if (hole->bytes >= bytes) return take(previous, hole, bytes);
  }
  return NULL;
}

/* [hole][ block ][hole] => [        hole        ], as far as they touch. */
static void insert(struct block *previous, struct block *block, struct block *next)
{
  size_t bytes = block->bytes & ~(size_t)LIVE;
  if (behind(block, bytes) == next) {
    bytes += next->bytes;
    next = next->next;
  }
  block->bytes = bytes; /* also where it joins its predecessor: a second release must not find it live */
  if (behind(previous, previous->bytes) == block) {
    previous->bytes += bytes;
    previous->next = next;
  } else {
    block->next = next;
    previous->next = block;
  }
}

void first_fit_release(void *payload)
{
  if (payload == NULL) return;
  struct block *block = block_of(payload), *previous = &list;
  if (!(block->bytes & LIVE)) return;
  while (previous->next != NULL && previous->next < block) previous = previous->next;
  insert(previous, block, previous->next);
}

void first_fit_measure(size_t *free_bytes, size_t *largest_bytes)
{
  *free_bytes = *largest_bytes = 0;
  for (struct block *hole = list.next; hole != NULL; hole = hole->next) {
    *free_bytes += hole->bytes;
    if (hole->bytes > *largest_bytes) *largest_bytes = hole->bytes;
  }
}

/* ---- In newlib's place: its own allocator is then not linked, and strdup() and stdio use this one ---- */

void *_malloc_r(struct _reent *reent, size_t bytes)
{
  (void)reent;
  return first_fit_allocate(bytes);
}

void _free_r(struct _reent *reent, void *block)
{
  (void)reent;
  first_fit_release(block);
}

void *_calloc_r(struct _reent *reent, size_t count, size_t bytes)
{
  if (bytes != 0 && count > SIZE_MAX / bytes) return NULL;
  void *block = _malloc_r(reent, count * bytes);
  return block == NULL ? NULL : memset(block, 0, count * bytes);
}

void *_realloc_r(struct _reent *reent, void *block, size_t bytes)
{
  if (block == NULL) return _malloc_r(reent, bytes);
  if (bytes == 0) {
    _free_r(reent, block);
    return NULL;
  }
  void *moved = _malloc_r(reent, bytes);
  if (moved == NULL) return NULL;
  size_t payload_bytes = (block_of(block)->bytes & ~(size_t)LIVE) - HEADER_BYTES;
  memcpy(moved, block, bytes < payload_bytes ? bytes : payload_bytes);
  _free_r(reent, block);
  return moved;
}

/* Refused beyond the alignment that every block has. */
void *_memalign_r(struct _reent *reent, size_t alignment, size_t bytes)
{
  return alignment <= ALIGNMENT ? _malloc_r(reent, bytes) : NULL;
}
