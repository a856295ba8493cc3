/*
 * A preemptive kernel for the Cortex-M3, small enough to read in one go. It has the names of FreeRTOS's interface,
 * which tools look for in a firmware, and none of its code.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <stddef.h>
#include <stdint.h>

typedef uint32_t StackType_t;
typedef uint32_t TickType_t;
typedef uint32_t UBaseType_t;
typedef int32_t BaseType_t;
typedef void (*TaskFunction_t)(void *);
typedef struct tskTaskControlBlock *TaskHandle_t;

#include "FreeRTOSConfig.h"

/* A task: the kernel's own view of it, and what a static task sets aside for it. */
typedef struct tskTaskControlBlock {
  StackType_t *pxTopOfStack; /* where its context lies while another task runs */
  StackType_t *pxStack;      /* the lowest word */
  TaskHandle_t pxNext;       /* in the ring of all tasks */
  TickType_t xWakeTick;
  UBaseType_t uxPriority;    /* the larger, the more urgent */
  uint32_t ulStackWords;
  char pcTaskName[configMAX_TASK_NAME_LEN];
} StaticTask_t;

#define pdPASS ((BaseType_t)1)
#define errCOULD_NOT_ALLOCATE_REQUIRED_MEMORY ((BaseType_t)-1)
#define tskSTACK_FILL_BYTE 0xA5u

BaseType_t xTaskCreate(TaskFunction_t entry, const char *name, uint16_t stack_words, void *parameter,
                       UBaseType_t priority, TaskHandle_t *created);
TaskHandle_t xTaskCreateStatic(TaskFunction_t entry, const char *name, uint32_t stack_words, void *parameter,
                               UBaseType_t priority, StackType_t *stack, StaticTask_t *task);
void vTaskStartScheduler(void);
void vTaskDelay(TickType_t ticks);
TickType_t xTaskGetTickCount(void);

/* Words of the stack that never were used; NULL is the caller. */
UBaseType_t uxTaskGetStackHighWaterMark(TaskHandle_t task);

/* The tasks one after the other: the first for NULL, and NULL behind the last. */
TaskHandle_t xTaskNext(TaskHandle_t task);

void *pvPortMalloc(size_t bytes);
void vPortFree(void *block);
size_t xPortGetFreeHeapSize(void);
size_t xPortGetMinimumEverFreeHeapSize(void);

void vPortEnterCritical(void);
void vPortExitCritical(void);

/* The application's. */
void vApplicationStackOverflowHook(TaskHandle_t task, char *name);
void vApplicationMallocFailedHook(void);
void vApplicationGetIdleTaskMemory(StaticTask_t **task, StackType_t **stack, uint32_t *stack_words);

#endif
