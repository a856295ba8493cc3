/*
 * Counts the agent's instructions. Under QEMU with -icount shift=7 an instruction takes 128 ns of the machine's time,
 * which is 3.2 ticks of its 25 MHz counter: differences of ticks tell whole instructions. Prints a table, and ends.
 */
#include <reent.h>
#include <stdlib.h>
#include <string.h>

#include "heapsoak_agent.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define COUNTER REGISTER(0x40028018u)
#define CLOCK_HZ 25000000u

void *__real__malloc_r(struct _reent *reent, size_t bytes);
void __real__free_r(struct _reent *reent, void *block);

void systick_interrupt(void);
void uart0_receive_interrupt(void);

extern char _heap_low, _heap_end;

enum { REQUEST_BYTES = 64, MORE_BYTES = 200, TOO_MANY_BYTES = 1 << 24 };

void systick_interrupt(void)
{
}

void uart0_receive_interrupt(void)
{
}

/* The line takes everything: what it costs depends on the board. */
size_t hs_transport_write(const uint8_t *bytes, size_t count)
{
  (void)bytes;
  return count;
}

uint32_t hs_clock(void)
{
  return COUNTER;
}

static void print(const char *text)
{
  for (; *text != 0; text++) {
    REGISTER(0x40004000u) = (uint8_t)*text;
    while (REGISTER(0x40004004u) & 1u) continue; /* QEMU takes it when its reader does */
  }
}

static void print_row(const char *what, uint32_t instructions)
{
  char digits[12], *at = digits + sizeof digits;
  *--at = 0;
  do *--at = (char)('0' + instructions % 10);
  while ((instructions /= 10) != 0);
  print(what);
  for (size_t width = strlen(what) + strlen(at); width < 60; width++) print(" ");
  print(at);
  print("\n");
}

static uint32_t instructions_of(uint32_t ticks)
{
  return (ticks * 10 + 16) / 32;
}

/* Ends QEMU by semihosting: SYS_EXIT, ADP_Stopped_ApplicationExit. */
static void end(void)
{
  register uint32_t call __asm__("r0") = 0x18;
  register uint32_t reason __asm__("r1") = 0x20026;
  __asm__ volatile("bkpt 0xab" ::"r"(call), "r"(reason) : "memory");
}

static uint32_t longest_ticks; /* with interrupts masked; 0: not watched */

#ifdef MEASURE_MASKED
static uint32_t masked_at;

uint32_t measured_mask(void)
{
  uint32_t saved;
  __asm__ volatile("mrs %0, primask\n\tcpsid i" : "=r"(saved)::"memory");
  masked_at = COUNTER;
  return saved;
}

void measured_unmask(uint32_t saved)
{
  uint32_t ticks = COUNTER - masked_at;
  if (ticks > longest_ticks) longest_ticks = ticks;
  __asm__ volatile("msr primask, %0" ::"r"(saved) : "memory");
}
#endif

/* Not true with the watch on masked sections, which costs instructions of its own. */
static void print_cost(const char *what, uint32_t ticks)
{
  if (longest_ticks == 0) print_row(what, instructions_of(ticks));
}

/* Ticks of the same calls without and with the agent, at the same state of the heap; a poll empties the ring before. */
#define TICKS(result, statement)     \
  do {                               \
    hs_poll();                       \
    uint32_t before = COUNTER;       \
    statement;                       \
    result = COUNTER - before;       \
  } while (0)

static void measure_calls(void)
{
  struct _reent *reent = _REENT;
  void *volatile block;
  uint32_t bare[3], told[3], realloc_ticks, log_ticks, poll_ticks;
  __real__free_r(reent, __real__malloc_r(reent, 4096)); /* later requests find a hole, and no sbrk */
  TICKS(bare[0], block = __real__malloc_r(reent, REQUEST_BYTES));
  TICKS(bare[1], __real__free_r(reent, block));
  TICKS(bare[2], block = __real__malloc_r(reent, TOO_MANY_BYTES));
  TICKS(told[0], block = _malloc_r(reent, REQUEST_BYTES));
  TICKS(realloc_ticks, hs_reallocated(block, MORE_BYTES, block, block));
  TICKS(told[1], _free_r(reent, block));
  TICKS(told[2], block = _malloc_r(reent, TOO_MANY_BYTES));
  TICKS(log_ticks, hs_log("sensor: no answer at 0x48"));
  TICKS(poll_ticks, hs_poll());
  print_cost("allocate event (malloc of 64 bytes)", told[0] - bare[0]);
  print_cost("reallocate event (hs_reallocated() alone)", realloc_ticks);
  print_cost("release event (free)", told[1] - bare[1]);
  print_cost("refused request", told[2] - bare[2]);
  print_cost("log text of 25 characters", log_ticks);
  print_cost("hs_poll() with nothing to do", poll_ticks);
}

/* A ring that is full: what an event costs that is lost. */
static void measure_full_ring(void)
{
  struct _reent *reent = _REENT;
  uint32_t bare, told;
  void *volatile block;
  TICKS(bare, block = __real__malloc_r(reent, TOO_MANY_BYTES));
  for (int events = 0; events < 400; events++) block = _malloc_r(reent, TOO_MANY_BYTES);
  uint32_t before = COUNTER;
  block = _malloc_r(reent, TOO_MANY_BYTES);
  told = COUNTER - before;
  (void)block;
  print_cost("event for which the ring has no room", told - bare);
}

int main(void)
{
  static uint8_t buffer[HEAPSOAK_COMMAND_BYTES + 4096];
  static const struct hs_config config = {
    .board = "mps2-an385",
    .heap = {&_heap_low, &_heap_end},
    .buffer = buffer,
    .buffer_bytes = sizeof buffer,
    .clock_hz = CLOCK_HZ,
  };
  REGISTER(0x40004010u) = CLOCK_HZ / 115200;
  REGISTER(0x40004008u) = 1;
  if (!hs_start(&config, 1)) return 1;
  measure_calls();
  measure_full_ring();
  if (longest_ticks != 0) print_row("longest section with interrupts masked", instructions_of(longest_ticks));
  end();
  return 0;
}
