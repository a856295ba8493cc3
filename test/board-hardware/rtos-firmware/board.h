/* What the example needs of its board: a serial port, and two timers that interrupt. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

void board_start(void);
void board_put(char character);

/* The interrupts of the timers, which call these. */
void on_sample_time(void);
void on_edge(void);

/* A number that changes all the time. */
uint32_t board_noise(void);

#endif
