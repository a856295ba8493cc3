/* What the example's firmware does by itself. */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#include <stdbool.h>

/* Does what is due, for the main loop. True: more is due already. */
bool workload_run(void);

/* Names its tasks to the agent. */
void workload_announce(void);

#endif
