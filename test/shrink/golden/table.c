/*
 * Made by heapsoak shrink.
 * On a fresh heap of 1024 bytes (newlib-nano) the last request, of 500 bytes, is refused (fragmentation).
 * Run it first thing on the board, before anything else has been allocated.
 * Returns 0 where the last of the 50 calls returns no memory, as emulated; -1 where it does return some;
 * n > 0 where call n, an earlier one, returns none. Blocks stay allocated.
 */
#include <stddef.h>

/* Define these three to call another allocator. */
#ifndef HEAP_ALLOCATE
extern void *malloc(size_t bytes);
extern void free(void *block);
#define HEAP_ALLOCATE(bytes) malloc(bytes)
#define HEAP_FREE(block) free(block)
extern void *realloc(void *block, size_t bytes);
#define HEAP_REALLOCATE(block, bytes) realloc((block), (bytes))
extern void *memalign(size_t alignment, size_t bytes);
#define HEAP_ALLOCATE_ALIGNED(alignment, bytes) memalign((alignment), (bytes))
#endif

int heapsoak_shrunk(void);

/* 'a': allocate, 'r': reallocate, 'f': free. */
struct call { char verb; unsigned block; size_t bytes; size_t alignment; };
static const struct call calls[] = {
  { 'a', 0u, 384u, 0u },
  { 'a', 1u, 384u, 0u },
  { 'a', 2u, 384u, 0u },
  { 'a', 3u, 384u, 0u },
  { 'a', 4u, 384u, 0u },
  { 'a', 5u, 384u, 0u },
  { 'a', 6u, 384u, 0u },
  { 'a', 7u, 384u, 0u },
  { 'a', 8u, 384u, 0u },
  { 'a', 9u, 384u, 0u },
  { 'a', 10u, 384u, 0u },
  { 'a', 11u, 384u, 0u },
  { 'a', 12u, 384u, 0u },
  { 'a', 13u, 384u, 0u },
  { 'a', 14u, 384u, 0u },
  { 'a', 15u, 384u, 0u },
  { 'a', 16u, 384u, 0u },
  { 'a', 17u, 384u, 0u },
  { 'a', 18u, 384u, 0u },
  { 'a', 19u, 384u, 0u },
  { 'a', 20u, 384u, 0u },
  { 'a', 21u, 384u, 0u },
  { 'a', 22u, 384u, 0u },
  { 'a', 23u, 384u, 0u },
  { 'a', 24u, 384u, 0u },
  { 'a', 25u, 384u, 0u },
  { 'a', 26u, 384u, 0u },
  { 'a', 27u, 384u, 0u },
  { 'a', 28u, 384u, 0u },
  { 'a', 29u, 384u, 0u },
  { 'a', 30u, 384u, 0u },
  { 'a', 31u, 384u, 0u },
  { 'a', 32u, 384u, 0u },
  { 'a', 33u, 384u, 0u },
  { 'a', 34u, 384u, 0u },
  { 'a', 35u, 384u, 0u },
  { 'a', 36u, 384u, 0u },
  { 'a', 37u, 384u, 0u },
  { 'a', 38u, 384u, 0u },
  { 'a', 39u, 384u, 0u },
  { 'a', 40u, 384u, 0u },
  { 'a', 41u, 384u, 0u },
  { 'a', 42u, 384u, 0u },
  { 'a', 43u, 384u, 0u },
  { 'a', 44u, 384u, 0u },
  { 'r', 3u, 128u, 0u },
  { 'a', 45u, 384u, 32u },
  { 'a', 46u, 128u, 0u },
  { 'f', 45u, 0u, 0u },
  { 'a', 47u, 500u, 0u },
};

int heapsoak_shrunk(void)
{
  static void *blocks[48];
  const size_t count = sizeof calls / sizeof calls[0];
  size_t i;

  for (i = 0; i < count; i++) {
    const struct call *call = &calls[i];
    void *result;
    if (call->verb == 'f') { HEAP_FREE(blocks[call->block]); continue; }
    if (call->verb == 'r') result = HEAP_REALLOCATE(blocks[call->block], call->bytes);
    else
    if (call->alignment > 0) result = HEAP_ALLOCATE_ALIGNED(call->alignment, call->bytes);
    else
    result = HEAP_ALLOCATE(call->bytes);
    if (result == NULL && call->bytes > 0) return i + 1 == count ? 0 : (int)(i + 1);
    blocks[call->block] = result;
  }
  return -1;
}
