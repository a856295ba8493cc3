/* UART0, SysTick and the 25 MHz counter of MPS2-AN385. */
#include "board.h"

#include <stddef.h>

#include "heapsoak_agent.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define UART0_DATA REGISTER(0x40004000u)
#define UART0_STATE REGISTER(0x40004004u)     /* bit 0: no room to transmit, bit 1: a byte has arrived */
#define UART0_CTRL REGISTER(0x40004008u)      /* bit 0: transmit, bit 1: receive, bit 3: interrupt on receive */
#define UART0_INTCLEAR REGISTER(0x4000400Cu)  /* bit 1: receive */
#define UART0_BAUDDIV REGISTER(0x40004010u)
#define FPGAIO_COUNTER REGISTER(0x40028018u)
#define SYSTICK_CTRL REGISTER(0xE000E010u)
#define SYSTICK_LOAD REGISTER(0xE000E014u)
#define NVIC_ENABLE REGISTER(0xE000E100u)

#define TRANSMIT_FULL 1u
#define RECEIVE_FULL 2u
#define BAUD 115200u
#define PERIODS_HZ 100u

static volatile uint32_t periods;

void systick_interrupt(void);
void uart0_receive_interrupt(void);

void board_start(void)
{
  UART0_BAUDDIV = CLOCK_HZ / BAUD;
  UART0_CTRL = 1u | 2u | 8u;
  NVIC_ENABLE = 1u << 0;
  SYSTICK_LOAD = CLOCK_HZ / PERIODS_HZ - 1;
  SYSTICK_CTRL = 7; /* counts the core's clock, interrupts */
}

void systick_interrupt(void)
{
  periods++;
}

/* The request is cleared first: a byte that arrives while the rest is fetched raises it again. */
void uart0_receive_interrupt(void)
{
  UART0_INTCLEAR = 2;
  while (UART0_STATE & RECEIVE_FULL) {
    uint8_t byte = (uint8_t)UART0_DATA;
#if HEAPSOAK_COMMANDS
    hs_receive(byte);
#else
    (void)byte;
#endif
  }
}

size_t hs_transport_write(const uint8_t *bytes, size_t count)
{
  size_t taken = 0;
  while (taken < count && !(UART0_STATE & TRANSMIT_FULL)) UART0_DATA = bytes[taken++];
  return taken;
}

uint32_t hs_clock(void)
{
  return FPGAIO_COUNTER;
}

uint32_t board_periods(void)
{
  return periods;
}

/* An interrupt that comes between the question and the sleep ends the sleep, masked as it is. */
void board_wait(void)
{
  __asm__ volatile("cpsid i" ::: "memory");
  if (!hs_busy()) __asm__ volatile("wfi");
  __asm__ volatile("cpsie i" ::: "memory");
}

uint32_t board_nonce(void)
{
  static uint32_t nonce __attribute__((section(".noinit")));
  nonce = (nonce ^ FPGAIO_COUNTER) * 1664525u + 1013904223u;
  return nonce;
}
