/* Vector table and reset for a Cortex-M3 without a vendor's headers. */
#include <stdint.h>
#include <string.h>

#include "heapsoak_agent.h"

extern uint32_t _data_load, _data_start, _data_end, _bss_start, _bss_end, _stack_low, _stack_high;

int main(void);
void reset(void);
void systick_interrupt(void);
void uart0_receive_interrupt(void);

static void stop(void)
{
  for (;;) __asm__ volatile("wfi");
}

/* What is not used of the stack keeps this fill, and hs_stack_unused() can count it. */
static void paint_stack(void)
{
  volatile uint8_t *low = (volatile uint8_t *)&_stack_low;
  volatile uint8_t *used = __builtin_frame_address(0);
  while (low < used - 64) *low++ = HEAPSOAK_STACK_PAINT;
}

void reset(void)
{
  memcpy(&_data_start, &_data_load, (uintptr_t)&_data_end - (uintptr_t)&_data_start);
  memset(&_bss_start, 0, (uintptr_t)&_bss_end - (uintptr_t)&_bss_start);
  paint_stack();
  (void)main();
  stop();
}

typedef void (*handler)(void);

__attribute__((section(".vectors"), used)) static const handler vectors[16 + 1] = {
  (handler)(uintptr_t)&_stack_high,
  reset,
  stop, stop, stop, stop, stop,
  0, 0, 0, 0,
  stop, stop,
  0,
  stop,
  systick_interrupt,
  uart0_receive_interrupt,
};
