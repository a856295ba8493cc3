/* The agent on MPS2-AN385: a firmware that does nothing else unless it was built with a WORKLOAD. */
#include "board.h"
#include "heapsoak_agent.h"
#include "workload.h"

#ifdef OWN_ALLOCATOR
#include "first_fit.h"
#endif

#ifndef RING_BYTES
#define RING_BYTES 4096
#endif

extern char _heap_low, _heap_end, _ram_low, _ram_end;
extern const uint8_t _build_note[];

static uint8_t buffer[HEAPSOAK_COMMAND_BYTES + RING_BYTES];

#ifdef OWN_ALLOCATOR
static const struct hs_allocator operations = {first_fit_allocate, NULL, NULL, first_fit_release};

static size_t own_figures(struct hs_figure *figures, size_t most)
{
  size_t free_bytes, largest_bytes;
  if (most < 2) return 0;
  first_fit_measure(&free_bytes, &largest_bytes);
  figures[0] = (struct hs_figure){HS_FIGURE_FREE, (uint32_t)free_bytes};
  figures[1] = (struct hs_figure){HS_FIGURE_LARGEST_FREE, (uint32_t)largest_bytes};
  return 2;
}
#endif

static const struct hs_config config = {
  .board = "mps2-an385",
#ifdef HEAPSOAK_BUILD_ID
  .build_id = HEAPSOAK_BUILD_ID,
#endif
  .build_note = _build_note,
  .heap = {&_heap_low, &_heap_end},
  .ram = {&_ram_low, &_ram_end},
  .buffer = buffer,
  .buffer_bytes = sizeof buffer,
  .clock_hz = CLOCK_HZ,
  .cycle_hz = CLOCK_HZ,
#ifdef OWN_ALLOCATOR
  .allocator = "first-fit",
  .allocator_version = "1",
  .operations = &operations,
  .figures = own_figures,
#endif
  .announce = workload_announce,
};

int main(void)
{
#ifdef OWN_ALLOCATOR
  first_fit_start(&_heap_low, &_heap_end);
#endif
  board_start();
  if (!hs_start(&config, board_nonce())) return 1;
  for (;;) {
    hs_poll();
    if (!workload_run()) board_wait();
  }
}
