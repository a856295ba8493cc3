/* What this example needs of its board: a serial port, a clock, and time to wait. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

#define CLOCK_HZ 25000000u

void board_start(void);

/* Periods of 10 ms since the start. */
uint32_t board_periods(void);

/* Sleeps until an interrupt, unless the agent has something to do. */
void board_wait(void);

/* Another number at each boot. */
uint32_t board_nonce(void);

#endif
