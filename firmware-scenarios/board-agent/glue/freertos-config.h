/*
 * FreeRTOS with heap_1 to heap_5: paste the first part at the end of FreeRTOSConfig.h, name this file by
 * -DHEAPSOAK_CONFIG='"freertos-config.h"' when the agent is compiled, and leave out the linker's --wrap.
 *
 * In struct hs_config: .size_meaning = HEAPSOAK_FREERTOS_SIZE_MEANING (HS_SIZE_REQUEST for heap_1 and heap_3),
 * .operations = a struct hs_allocator {pvPortMalloc, NULL, NULL, vPortFree}, .heap = the bytes of ucHeap, which
 * configAPPLICATION_ALLOCATED_HEAP 1 makes yours, .allocator = "freertos-heap4" or whichever is linked, .allocator_version = tskKERNEL_VERSION_NUMBER.
 */
#ifndef HEAPSOAK_FREERTOS_CONFIG_H
#define HEAPSOAK_FREERTOS_CONFIG_H

#ifndef __ASSEMBLER__

/* ---- For FreeRTOSConfig.h ---- */

#include <stddef.h>

void hs_allocated(const void *block, size_t request_bytes, const void *site);
void hs_released(const void *block, const void *site);

/* They stand in pvPortMalloc() and vPortFree() while the scheduler is suspended: the order is the allocator's. */
#define traceMALLOC(block, bytes) hs_allocated((block), (bytes), __builtin_return_address(0))
#define traceFREE(block, bytes) hs_released((block), __builtin_return_address(0))

/* ---- For the agent ---- */

/* Up to 11.1.0 the size is that of the request with its header; from 11.2.0 on (and June 2024 on main), the block's. */
#define HEAPSOAK_FREERTOS_SIZE_MEANING                                                                     \
  (tskKERNEL_VERSION_MAJOR > 11 || (tskKERNEL_VERSION_MAJOR == 11 && tskKERNEL_VERSION_MINOR > 1) ? HS_SIZE_BLOCK \
                                                                                                  : HS_SIZE_WITH_HEADER)

#define HEAPSOAK_WRAP_NONE

void vTaskSuspendAll(void);
long xTaskResumeAll(void);
#define HEAPSOAK_LOCK() vTaskSuspendAll()
#define HEAPSOAK_UNLOCK() ((void)xTaskResumeAll())

/* A task's number: from its control block. Pass the same to hs_name_task() and hs_stack(). */
#define HEAPSOAK_TASK_NUMBER(handle) ((unsigned short)((size_t)(handle) >> 3))
void *xTaskGetCurrentTaskHandle(void);
#define HEAPSOAK_TASK() HEAPSOAK_TASK_NUMBER(xTaskGetCurrentTaskHandle())

#endif
#endif
