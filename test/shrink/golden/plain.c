/*
 * Made by heapsoak shrink.
 * On a fresh heap of 1024 bytes (freertos-heap4) the last request, of 500 bytes, is refused (fragmentation).
 * Run it first thing on the board, before anything else has been allocated.
 * Returns 0 where the last of the 4 calls returns no memory, as emulated; -1 where it does return some;
 * n > 0 where call n, an earlier one, returns none. Blocks stay allocated.
 */
#include <stddef.h>

/* Define these three to call another allocator. */
#ifndef HEAP_ALLOCATE
extern void *pvPortMalloc(size_t bytes);
extern void vPortFree(void *block);
#define HEAP_ALLOCATE(bytes) pvPortMalloc(bytes)
#define HEAP_FREE(block) vPortFree(block)
#endif

int heapsoak_shrunk(void);

int heapsoak_shrunk(void)
{
  void *a;
  void *b;
  void *c;

  a = HEAP_ALLOCATE(384u);
  if (a == NULL) return 1;
  b = HEAP_ALLOCATE(128u);
  if (b == NULL) return 2;
  HEAP_FREE(a);
  c = HEAP_ALLOCATE(500u);
  return c == NULL ? 0 : -1;
}
