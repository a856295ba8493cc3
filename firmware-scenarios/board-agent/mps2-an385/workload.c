/*
 * Chosen by the Makefile's WORKLOAD:
 *   off    nothing: the heap is the host's alone
 *   on     two tasks by the clock: "sensor" keeps a window of samples, "uplink" builds and sends messages
 *   flood  requests and releases as fast as they can be told
 *   burst  more of them at once than the ring holds: frames must be lost, and counted
 */
#define _POSIX_C_SOURCE 200809L /* strdup() */

#include "workload.h"

#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "heapsoak_agent.h"

#define WORKLOAD_OFF 0
#define WORKLOAD_ON 1
#define WORKLOAD_FLOOD 2
#define WORKLOAD_BURST 3

#ifndef WORKLOAD
#define WORKLOAD WORKLOAD_OFF
#endif

enum { NO_ONE, SENSOR, UPLINK };

volatile uint16_t running_task_number = HS_NO_TASK;

#if WORKLOAD != WORKLOAD_OFF
/* 0 up to, but without, `bound`. */
static uint32_t chance(uint32_t bound)
{
  static uint32_t seed = 1;
  seed = seed * 1664525u + 1013904223u;
  return (seed >> 8) % bound;
}
#endif

void workload_announce(void)
{
  if (WORKLOAD == WORKLOAD_OFF) return;
  hs_name_task(SENSOR, "sensor");
  hs_name_task(UPLINK, "uplink");
}

#if WORKLOAD == WORKLOAD_ON
extern uint32_t _stack_low, _stack_high;

/* Every 50 ms a sample; the eldest of a dozen goes. */
static void sense(void)
{
  static char *window[12];
  static size_t next;
  running_task_number = SENSOR;
  free(window[next]);
  window[next] = malloc(16 + chance(180));
  next = (next + 1) % (sizeof window / sizeof window[0]);
}

/* Every 200 ms a message that grows line by line; now and then one that no heap could hold. */
static void send_message(uint32_t number)
{
  static char *last;
  running_task_number = UPLINK;
  char *message = strdup("readings:");
  for (uint32_t lines = 1 + chance(4); message != NULL && lines > 0; lines--) {
    char *longer = realloc(message, strlen(message) + 32);
    if (longer == NULL) break;
    message = strcat(longer, " 21.5 C, 40 %;");
  }
  free(last);
  last = message;
  if (number % 16 == 0) {
    void *volatile refused = malloc(1u << 24);
    if (refused == NULL) hs_log("uplink: no memory for the archive, sent without it");
  }
}

/* Each second what the firmware knows of itself. */
static void report(void)
{
  uint32_t bytes = (uint32_t)((uintptr_t)&_stack_high - (uintptr_t)&_stack_low);
  running_task_number = NO_ONE;
  hs_stack(HS_NO_TASK, bytes, hs_stack_unused(&_stack_low, bytes));
  hs_statistics();
}

bool workload_run(void)
{
  static uint32_t done, messages;
  while (done != board_periods()) {
    done++;
    if (done % 5 == 0) sense();
    if (done % 20 == 0) send_message(++messages);
    if (done % 100 == 0) report();
    running_task_number = NO_ONE;
  }
  return false;
}
#elif WORKLOAD == WORKLOAD_FLOOD || WORKLOAD == WORKLOAD_BURST
static void replace_one(void)
{
  static void *blocks[32];
  size_t index = chance(sizeof blocks / sizeof blocks[0]);
  running_task_number = SENSOR;
  if (blocks[index] != NULL) {
    free(blocks[index]);
    blocks[index] = NULL;
  } else {
    blocks[index] = malloc(8 + chance(500));
  }
  running_task_number = NO_ONE;
}

#if WORKLOAD == WORKLOAD_FLOOD
/* Each time that the line has taken all. */
bool workload_run(void)
{
  if (hs_busy()) return true;
  for (int events = 0; events < 64; events++) replace_one();
  return true;
}
#else
/* Each 200 ms. */
bool workload_run(void)
{
  static uint32_t done;
  if (board_periods() - done < 20) return false;
  done = board_periods();
  for (int events = 0; events < 400; events++) replace_one();
  return true;
}
#endif
#else
bool workload_run(void)
{
  return false;
}
#endif
