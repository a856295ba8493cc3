/* Vector table and reset, with the names that vendors' start-up files have. */
#include <stdint.h>
#include <string.h>

#include "kernel.h"

extern uint32_t _sidata, _sdata, _edata, _sbss, _ebss, _sstack, _estack;

int main(void);
void Reset_Handler(void);
void Default_Handler(void);
void SVC_Handler(void);
void PendSV_Handler(void);
void SysTick_Handler(void);
void TIMER0_Handler(void);
void TIMER1_Handler(void);

void Default_Handler(void)
{
  for (;;) __asm__ volatile("wfi");
}

void NMI_Handler(void) __attribute__((weak, alias("Default_Handler")));
void HardFault_Handler(void) __attribute__((weak, alias("Default_Handler")));
void MemManage_Handler(void) __attribute__((weak, alias("Default_Handler")));
void BusFault_Handler(void) __attribute__((weak, alias("Default_Handler")));
void UsageFault_Handler(void) __attribute__((weak, alias("Default_Handler")));

/* What is not used of the main stack keeps the same fill as in a task's. */
static void paint_main_stack(void)
{
  volatile uint8_t *low = (volatile uint8_t *)&_sstack;
  volatile uint8_t *used = __builtin_frame_address(0);
  while (low < used - 32) *low++ = tskSTACK_FILL_BYTE;
}

void Reset_Handler(void)
{
  memcpy(&_sdata, &_sidata, (uintptr_t)&_edata - (uintptr_t)&_sdata);
  memset(&_sbss, 0, (uintptr_t)&_ebss - (uintptr_t)&_sbss);
  paint_main_stack();
  (void)main();
  Default_Handler();
}

typedef void (*handler)(void);

__attribute__((section(".isr_vector"), used)) const handler g_pfnVectors[16 + 10] = {
  (handler)(uintptr_t)&_estack,
  Reset_Handler,
  NMI_Handler,
  HardFault_Handler,
  MemManage_Handler,
  BusFault_Handler,
  UsageFault_Handler,
  0, 0, 0, 0,
  SVC_Handler,
  Default_Handler,
  0,
  PendSV_Handler,
  SysTick_Handler,
  [16 + 8] = TIMER0_Handler,
  [16 + 9] = TIMER1_Handler,
};
