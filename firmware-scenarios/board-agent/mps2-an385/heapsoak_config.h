/* The agent's macros for this board. */
#include <stdint.h>

/* QEMU's core has no cycle counter that counts; the board's 25 MHz counter (FPGAIO COUNTER) stands in for it. */
#define HEAPSOAK_CYCLES() (*(volatile uint32_t *)0x40028018u)

/* main.c has no kernel: it says itself which of its two tasks runs. */
extern volatile uint16_t running_task_number;
#define HEAPSOAK_TASK() running_task_number
