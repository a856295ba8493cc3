/*
 * Four tasks, each with another way to use its stack: nested calls with arrays, calls through pointers, a recursion
 * (with -DRECURSION), a switch by a table. Every second the last one prints how much of each stack was ever used.
 */
#include <stdbool.h>
#include <string.h>

#include "board.h"
#include "kernel.h"

#define SAMPLES 16u
#define EVERY_MS(milliseconds) ((milliseconds) * configTICK_RATE_HZ / 1000u)

extern uint8_t _sstack, _estack;

int main(void);

/* ---- sensor: a static stack, nested calls with arrays ---- */

static volatile uint16_t usSamples[SAMPLES];
static volatile uint32_t ulSampleAt, ulEdges;
static volatile uint32_t ulLevel;

static StackType_t uxSensorStack[160];
static StaticTask_t xSensorTask;

__attribute__((noinline)) static void sort(uint16_t *values, uint32_t count)
{
  for (uint32_t end = 1; end < count; end++) {
    uint16_t value = values[end];
    uint32_t at = end;
    for (; at > 0 && values[at - 1] > value; at--) values[at] = values[at - 1];
    values[at] = value;
  }
}

__attribute__((noinline)) static uint16_t median(const uint16_t *values, uint32_t count)
{
  uint16_t sorted[SAMPLES];
  memcpy(sorted, values, count * sizeof *values);
  sort(sorted, count);
  return sorted[count / 2];
}

__attribute__((noinline)) static uint16_t smooth(void)
{
  uint16_t samples[SAMPLES];
  for (uint32_t i = 0; i < SAMPLES; i++) samples[i] = usSamples[i];
  return median(samples, SAMPLES);
}

static void vSensorTask(void *parameter)
{
  (void)parameter;
  for (;;) {
    ulLevel = smooth();
    vTaskDelay(EVERY_MS(10));
  }
}

/* Interrupts: the first takes a sample, the second counts edges, also within the first. */
__attribute__((noinline)) static uint16_t filtered(uint32_t noise)
{
  static uint16_t recent[8];
  uint16_t copy[8];
  memmove(recent, recent + 1, sizeof recent - sizeof *recent);
  recent[7] = (uint16_t)(noise >> 3);
  memcpy(copy, recent, sizeof copy);
  sort(copy, 8);
  return copy[4];
}

void on_sample_time(void)
{
  usSamples[ulSampleAt++ % SAMPLES] = filtered(board_noise());
}

__attribute__((noinline)) static uint32_t spread(uint32_t edges)
{
  volatile uint32_t parts[4] = {edges, edges >> 8, edges >> 16, edges >> 24};
  return parts[0] ^ parts[1] ^ parts[2] ^ parts[3];
}

void on_edge(void)
{
  ulEdges += 1 + spread(ulEdges) % 2;
}

/* ---- control: a stack from the heap, calls through pointers ---- */

static volatile uint32_t ulOutput;

__attribute__((noinline)) static void vRampUp(uint32_t level)
{
  ulOutput += level / 8 + 1;
}

__attribute__((noinline)) static void vHold(uint32_t level)
{
  volatile uint32_t history[24];
  for (uint32_t i = 0; i < 24; i++) history[i] = level;
  ulOutput = history[level % 24];
}

static void (*const pxModes[])(uint32_t) = {vRampUp, vHold};

static void vControlTask(void *parameter)
{
  (void)parameter;
  for (uint32_t turn = 0;; turn++) {
    pxModes[turn % 2](ulLevel);
    vTaskDelay(EVERY_MS(20));
  }
}

/* ---- link: a switch by a table, blocks from the heap ---- */

__attribute__((noinline)) static uint32_t ulParse(const uint8_t *message, uint32_t bytes)
{
  uint32_t sum = 0;
  for (uint32_t i = 0; i < bytes; i++) {
    switch (message[i] % 8) {
      case 0: sum += 3; break;
      case 1: sum ^= 0x55; break;
      case 2: sum <<= 1; break;
      case 3: sum -= message[i]; break;
      case 4: sum *= 5; break;
      case 5: sum = ~sum; break;
      case 6: sum |= 1; break;
      default: sum >>= 2; break;
    }
  }
  return sum;
}

static void vLinkTask(void *parameter)
{
  volatile uint32_t *result = parameter;
  for (;;) {
    uint32_t bytes = 24 + board_noise() % 200;
    uint8_t *message = pvPortMalloc(bytes);
    if (message != NULL) {
      memset(message, (int)(bytes & 0xff), bytes);
      *result = ulParse(message, bytes);
      vPortFree(message);
    }
    vTaskDelay(EVERY_MS(5));
  }
}

/* ---- report ---- */

static void print(const char *text)
{
  while (*text != '\0') board_put(*text++);
}

#ifdef RECURSION
static void print_number(uint32_t number)
{
  if (number >= 10) print_number(number / 10);
  board_put((char)('0' + number % 10));
}
#else
static void print_number(uint32_t number)
{
  char digits[11];
  char *at = digits + sizeof digits - 1;
  *at = '\0';
  do {
    *--at = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  print(at);
}
#endif

static void print_stack(const char *name, uint32_t bytes, uint32_t unused)
{
  print("stack ");
  print(name);
  print(" size=");
  print_number(bytes);
  print(" used=");
  print_number(bytes - unused);
  print("\r\n");
}

static uint32_t main_stack_unused(void)
{
  const uint8_t *low = &_sstack;
  while (low < &_estack && *low == tskSTACK_FILL_BYTE) low++;
  return (uint32_t)(low - &_sstack);
}

static void print_stacks(void)
{
  for (TaskHandle_t task = xTaskNext(NULL); task != NULL; task = xTaskNext(task)) {
    uint32_t unused = uxTaskGetStackHighWaterMark(task) * sizeof(StackType_t);
    print_stack(task->pcTaskName, task->ulStackWords * sizeof(StackType_t), unused);
  }
  print_stack("MSP", (uint32_t)(&_estack - &_sstack), main_stack_unused());
}

static void vReportTask(void *parameter)
{
  (void)parameter;
  for (uint32_t second = 1;; second++) {
    vTaskDelay(EVERY_MS(1000));
    print_stacks();
    print("heap free=");
    print_number(xPortGetFreeHeapSize());
    print(" minimum=");
    print_number(xPortGetMinimumEverFreeHeapSize());
    print("\r\nsecond ");
    print_number(second);
    print("\r\n");
  }
}

/* ---- start ---- */

static StackType_t uxIdleTaskStack[configMINIMAL_STACK_SIZE];
static StaticTask_t xIdleTask;

void vApplicationGetIdleTaskMemory(StaticTask_t **task, StackType_t **stack, uint32_t *stack_words)
{
  *task = &xIdleTask;
  *stack = uxIdleTaskStack;
  *stack_words = configMINIMAL_STACK_SIZE;
}

void vApplicationStackOverflowHook(TaskHandle_t task, char *name)
{
  (void)task;
  __asm__ volatile("cpsid i" ::: "memory");
  print("stack overflow in ");
  print(name);
  for (;;) {
  }
}

void vApplicationMallocFailedHook(void)
{
  print("out of heap\r\n");
}

int main(void)
{
  static volatile uint32_t ulLinkResult;
  board_start();
  xTaskCreateStatic(vSensorTask, "sensor", sizeof uxSensorStack / sizeof *uxSensorStack, NULL, 4, uxSensorStack,
                    &xSensorTask);
  bool made = xTaskCreate(vControlTask, "control", 128, NULL, 3, NULL) == pdPASS;
  made = made && xTaskCreate(vLinkTask, "link", 96, (void *)(uintptr_t)&ulLinkResult, 2, NULL) == pdPASS;
  made = made && xTaskCreate(vReportTask, "report", 192, NULL, 1, NULL) == pdPASS;
  if (made) vTaskStartScheduler();
  return 1;
}
