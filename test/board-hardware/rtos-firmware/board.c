/* UART0 and the timers of MPS2-AN385. */
#include "board.h"

#include "kernel.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define BYTE(address) (*(volatile uint8_t *)(address))

#define TIMER0 0x40000000u
#define TIMER1 0x40001000u
#define TIMER_CTRL(timer) REGISTER((timer) + 0x0u) /* bit 0: counts, bit 3: interrupts */
#define TIMER_RELOAD(timer) REGISTER((timer) + 0x8u)
#define TIMER_INTCLEAR(timer) REGISTER((timer) + 0xCu)
#define TIMER_ON 9u

#define UART0_DATA REGISTER(0x40004000u)
#define UART0_STATE REGISTER(0x40004004u) /* bit 0: no room to transmit */
#define UART0_CTRL REGISTER(0x40004008u)  /* bit 0: transmit */
#define UART0_BAUDDIV REGISTER(0x40004010u)
#define FPGAIO_COUNTER REGISTER(0x40028018u)
#define NVIC_ENABLE REGISTER(0xE000E100u)
#define NVIC_PRIORITY(interrupt) BYTE(0xE000E400u + (interrupt))

#define TIMER0_INTERRUPT 8u
#define TIMER1_INTERRUPT 9u
/* The second interrupts the first, and both interrupt the kernel. */
#define TIMER0_PRIORITY (5u << (8 - configPRIO_BITS))
#define TIMER1_PRIORITY (2u << (8 - configPRIO_BITS))
#define BAUD 115200u
#define SAMPLES_HZ 1000u
#define EDGES_HZ 7001u

void TIMER0_Handler(void);
void TIMER1_Handler(void);

static void start_timer(uint32_t timer, uint32_t interrupt, uint8_t priority, uint32_t hz)
{
  TIMER_RELOAD(timer) = (uint32_t)configCPU_CLOCK_HZ / hz;
  TIMER_CTRL(timer) = TIMER_ON;
  NVIC_PRIORITY(interrupt) = priority;
  NVIC_ENABLE = 1u << interrupt;
}

void board_start(void)
{
  UART0_BAUDDIV = (uint32_t)configCPU_CLOCK_HZ / BAUD;
  UART0_CTRL = 1;
  start_timer(TIMER0, TIMER0_INTERRUPT, TIMER0_PRIORITY, SAMPLES_HZ);
  start_timer(TIMER1, TIMER1_INTERRUPT, TIMER1_PRIORITY, EDGES_HZ);
}

void board_put(char character)
{
  while (UART0_STATE & 1) {
  }
  UART0_DATA = (uint8_t)character;
}

uint32_t board_noise(void)
{
  return FPGAIO_COUNTER;
}

void TIMER0_Handler(void)
{
  TIMER_INTCLEAR(TIMER0) = 1;
  on_sample_time();
}

void TIMER1_Handler(void)
{
  TIMER_INTCLEAR(TIMER1) = 1;
  on_edge();
}
