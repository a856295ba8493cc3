/*
 * A heap in one array: free blocks in a list by address, the first that fits is taken, neighbours are joined.
 *
 *   +0  next free block (0 while in use)
 *   +4  bytes of the block, this header included
 *   +8  payload, 8-aligned
 */
#include "kernel.h"

#define ALIGNMENT 8u

typedef struct BlockLink {
  struct BlockLink *pxNextFreeBlock;
  size_t xBlockSize;
} BlockLink_t;

/* A block that is split off must hold more than its header. */
#define SMALLEST_BLOCK (2 * sizeof(BlockLink_t))

static uint8_t ucHeap[configTOTAL_HEAP_SIZE] __attribute__((aligned(ALIGNMENT)));
static BlockLink_t xStart;
static BlockLink_t *pxEnd;
static size_t xFreeBytesRemaining;
static size_t xMinimumEverFreeBytesRemaining;

/* The last words of the array are a block of no bytes, which ends the list. */
static void prvHeapInit(void)
{
  BlockLink_t *all = (BlockLink_t *)(void *)ucHeap;
  pxEnd = (BlockLink_t *)(void *)(ucHeap + sizeof ucHeap - sizeof *pxEnd);
  *pxEnd = (BlockLink_t){NULL, 0};
  *all = (BlockLink_t){pxEnd, sizeof ucHeap - sizeof *pxEnd};
  xStart = (BlockLink_t){all, 0};
  xFreeBytesRemaining = xMinimumEverFreeBytesRemaining = all->xBlockSize;
}

static BlockLink_t *prvEndOf(BlockLink_t *block)
{
  return (BlockLink_t *)(void *)((uint8_t *)block + block->xBlockSize);
}

static void prvInsertBlockIntoFreeList(BlockLink_t *block)
{
  BlockLink_t *before = &xStart;
  while (before->pxNextFreeBlock < block) before = before->pxNextFreeBlock;
  BlockLink_t *after = before->pxNextFreeBlock;
  block->pxNextFreeBlock = after;
  if (after != pxEnd && prvEndOf(block) == after) {
    block->xBlockSize += after->xBlockSize;
    block->pxNextFreeBlock = after->pxNextFreeBlock;
  }
  if (before != &xStart && prvEndOf(before) == block) {
    before->xBlockSize += block->xBlockSize;
    before->pxNextFreeBlock = block->pxNextFreeBlock;
  } else {
    before->pxNextFreeBlock = block;
  }
}

/* Takes the bytes from the first block that has them; NULL if none has. */
static BlockLink_t *prvTake(size_t bytes)
{
  BlockLink_t *before = &xStart;
  while (before->pxNextFreeBlock != pxEnd && before->pxNextFreeBlock->xBlockSize < bytes) {
    before = before->pxNextFreeBlock;
  }
  BlockLink_t *block = before->pxNextFreeBlock;
  if (block == pxEnd) return NULL;
  before->pxNextFreeBlock = block->pxNextFreeBlock;
  if (block->xBlockSize - bytes > SMALLEST_BLOCK) {
    BlockLink_t *rest = (BlockLink_t *)(void *)((uint8_t *)block + bytes);
    rest->xBlockSize = block->xBlockSize - bytes;
    block->xBlockSize = bytes;
    prvInsertBlockIntoFreeList(rest);
  }
  block->pxNextFreeBlock = NULL;
  return block;
}

void *pvPortMalloc(size_t bytes)
{
  BlockLink_t *block = NULL;
  vPortEnterCritical();
  if (pxEnd == NULL) prvHeapInit();
  if (bytes > 0 && bytes <= sizeof ucHeap) {
    block = prvTake((bytes + sizeof *block + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1));
  }
  if (block != NULL) {
    xFreeBytesRemaining -= block->xBlockSize;
    if (xFreeBytesRemaining < xMinimumEverFreeBytesRemaining) xMinimumEverFreeBytesRemaining = xFreeBytesRemaining;
  }
  vPortExitCritical();
  if (block == NULL) {
    vApplicationMallocFailedHook();
    return NULL;
  }
  return block + 1;
}

void vPortFree(void *payload)
{
  if (payload == NULL) return;
  BlockLink_t *block = (BlockLink_t *)payload - 1;
  vPortEnterCritical();
  xFreeBytesRemaining += block->xBlockSize;
  prvInsertBlockIntoFreeList(block);
  vPortExitCritical();
}

size_t xPortGetFreeHeapSize(void)
{
  return xFreeBytesRemaining;
}

size_t xPortGetMinimumEverFreeHeapSize(void)
{
  return xMinimumEverFreeBytesRemaining;
}
