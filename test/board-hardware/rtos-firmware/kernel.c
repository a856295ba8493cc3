/* Tasks in a ring, the most urgent that is awake runs, equals take turns at each tick. */
#include "kernel.h"

#include <stdbool.h>
#include <string.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define SYSTICK_CTRL REGISTER(0xE000E010u)
#define SYSTICK_LOAD REGISTER(0xE000E014u)
#define INTERRUPT_CONTROL REGISTER(0xE000ED04u)
#define PENDSV_AND_SYSTICK_PRIORITY REGISTER(0xE000ED20u)

#define PENDSV_SET (1u << 28)
#define THUMB_STATE 0x01000000u
/* r4–r11, and the core's own eight words above them. */
#define CONTEXT_WORDS 16u
#define PAINTED_WORD 0xA5A5A5A5u
/* Words at a stack's end that must keep their paint. */
#define GUARD_WORDS 4u

TaskHandle_t volatile pxCurrentTCB;

static TaskHandle_t pxFirstTask, pxLastTask;
static volatile TickType_t xTickCount;
static uint32_t ulCriticalNesting;

void SVC_Handler(void);
void PendSV_Handler(void);
void SysTick_Handler(void);
StackType_t *vTaskSwitchContext(StackType_t *context);
StackType_t *pxFirstContext(void);

static void prvTaskReturned(void)
{
  for (;;) __asm__ volatile("cpsid i\n wfi");
}

/* ---- Tasks ---- */

/* As if the task had been interrupted before its first instruction. */
static StackType_t *pxPortInitialiseStack(StackType_t *top, TaskFunction_t entry, void *parameter)
{
  StackType_t *context = top - CONTEXT_WORDS;
  memset(context, 0, CONTEXT_WORDS * sizeof *context); /* registers that keep the paint would hide themselves */
  context[8] = (StackType_t)(uintptr_t)parameter;
  context[13] = (StackType_t)(uintptr_t)prvTaskReturned;
  context[14] = (StackType_t)(uintptr_t)entry & ~1u;
  context[15] = THUMB_STATE;
  return context;
}

static void prvAddTask(TaskHandle_t task)
{
  vPortEnterCritical();
  if (pxFirstTask == NULL) pxFirstTask = task;
  else pxLastTask->pxNext = task;
  task->pxNext = pxFirstTask;
  pxLastTask = task;
  vPortExitCritical();
}

TaskHandle_t xTaskCreateStatic(TaskFunction_t entry, const char *name, uint32_t stack_words, void *parameter,
                               UBaseType_t priority, StackType_t *stack, StaticTask_t *task)
{
  memset(stack, (int)tskSTACK_FILL_BYTE, stack_words * sizeof *stack);
  memset(task, 0, sizeof *task);
  strncpy(task->pcTaskName, name, sizeof task->pcTaskName - 1);
  task->uxPriority = priority;
  task->pxStack = stack;
  task->ulStackWords = stack_words;
  /* The core wants 8 bytes of alignment. */
  StackType_t *top = (StackType_t *)((uintptr_t)(stack + stack_words) & ~(uintptr_t)7);
  task->pxTopOfStack = pxPortInitialiseStack(top, entry, parameter);
  prvAddTask(task);
  return task;
}

BaseType_t xTaskCreate(TaskFunction_t entry, const char *name, uint16_t stack_words, void *parameter,
                       UBaseType_t priority, TaskHandle_t *created)
{
  StackType_t *stack = pvPortMalloc(stack_words * sizeof *stack);
  StaticTask_t *task = stack == NULL ? NULL : pvPortMalloc(sizeof *task);
  if (task == NULL) {
    vPortFree(stack);
    return errCOULD_NOT_ALLOCATE_REQUIRED_MEMORY;
  }
  xTaskCreateStatic(entry, name, stack_words, parameter, priority, stack, task);
  if (created != NULL) *created = task;
  return pdPASS;
}

TaskHandle_t xTaskNext(TaskHandle_t task)
{
  if (task == NULL) return pxFirstTask;
  return task->pxNext == pxFirstTask ? NULL : task->pxNext;
}

UBaseType_t uxTaskGetStackHighWaterMark(TaskHandle_t task)
{
  if (task == NULL) task = pxCurrentTCB;
  UBaseType_t words = 0;
  while (words < task->ulStackWords && task->pxStack[words] == PAINTED_WORD) words++;
  return words;
}

/* ---- Time and turns ---- */

static bool prvIsAwake(TaskHandle_t task)
{
  return (int32_t)(xTickCount - task->xWakeTick) >= 0;
}

/* Beginning behind the current task, so that equals take turns. The idle task is always awake. */
static TaskHandle_t prvMostUrgent(void)
{
  TaskHandle_t best = NULL;
  TaskHandle_t task = pxCurrentTCB;
  do {
    task = task->pxNext;
    if (prvIsAwake(task) && (best == NULL || task->uxPriority > best->uxPriority)) best = task;
  } while (task != pxCurrentTCB);
  return best;
}

static void prvCheckStack(TaskHandle_t task)
{
  for (uint32_t word = 0; word < GUARD_WORDS; word++) {
    if (task->pxStack[word] != PAINTED_WORD) vApplicationStackOverflowHook(task, task->pcTaskName);
  }
}

/* Takes the context of the task that ran, and returns that of the task to run. */
StackType_t *vTaskSwitchContext(StackType_t *context)
{
  pxCurrentTCB->pxTopOfStack = context;
  prvCheckStack(pxCurrentTCB);
  pxCurrentTCB = prvMostUrgent();
  return pxCurrentTCB->pxTopOfStack;
}

StackType_t *pxFirstContext(void)
{
  return pxCurrentTCB->pxTopOfStack;
}

void SysTick_Handler(void)
{
  vPortEnterCritical();
  xTickCount++;
  INTERRUPT_CONTROL = PENDSV_SET;
  vPortExitCritical();
}

TickType_t xTaskGetTickCount(void)
{
  return xTickCount;
}

void vTaskDelay(TickType_t ticks)
{
  vPortEnterCritical();
  pxCurrentTCB->xWakeTick = xTickCount + ticks;
  INTERRUPT_CONTROL = PENDSV_SET;
  vPortExitCritical();
}

void vPortEnterCritical(void)
{
  __asm__ volatile("cpsid i" ::: "memory");
  ulCriticalNesting++;
}

void vPortExitCritical(void)
{
  if (--ulCriticalNesting == 0) __asm__ volatile("cpsie i" ::: "memory");
}

/* ---- The core's side of a switch ---- */

__attribute__((naked)) void PendSV_Handler(void)
{
  __asm__ volatile(
      "push  {r3, lr}\n"
      "mrs   r0, psp\n"
      "stmdb r0!, {r4-r11}\n"
      "cpsid i\n"
      "bl    vTaskSwitchContext\n"
      "cpsie i\n"
      "ldmia r0!, {r4-r11}\n"
      "msr   psp, r0\n"
      "pop   {r3, pc}\n");
}

/* Begins the first task: nothing of the main thread is kept. */
__attribute__((naked)) void SVC_Handler(void)
{
  __asm__ volatile(
      "bl    pxFirstContext\n"
      "ldmia r0!, {r4-r11}\n"
      "msr   psp, r0\n"
      "mvn   lr, #2\n" /* to thread mode, on the task's stack */
      "bx    lr\n");
}

/* Interrupts get the whole main stack: the thread that ran on it never goes on. */
__attribute__((naked, noreturn)) static void prvPortStartFirstTask(void)
{
  __asm__ volatile(
      "ldr r0, =0xE000ED08\n"
      "ldr r0, [r0]\n"
      "ldr r0, [r0]\n"
      "msr msp, r0\n"
      "cpsie i\n"
      "svc 0\n"
      "udf #0\n"
      ".ltorg\n");
}

static void prvIdleTask(void *parameter)
{
  (void)parameter;
  for (;;) __asm__ volatile("wfi");
}

void vTaskStartScheduler(void)
{
  StaticTask_t *task;
  StackType_t *stack;
  uint32_t stack_words;
  vApplicationGetIdleTaskMemory(&task, &stack, &stack_words);
  pxCurrentTCB = xTaskCreateStatic(prvIdleTask, "IDLE", stack_words, NULL, 0, stack, task);
  __asm__ volatile("cpsid i" ::: "memory");
  pxCurrentTCB = prvMostUrgent();
  PENDSV_AND_SYSTICK_PRIORITY |= (uint32_t)configKERNEL_INTERRUPT_PRIORITY * 0x01010000u;
  SYSTICK_LOAD = (uint32_t)(configCPU_CLOCK_HZ / configTICK_RATE_HZ - 1);
  SYSTICK_CTRL = 7; /* counts the core's clock, interrupts */
  prvPortStartFirstTask();
}
