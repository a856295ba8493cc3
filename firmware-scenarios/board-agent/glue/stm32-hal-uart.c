/*
 * STM32 with the HAL: USART2 with its interrupt on, TIM2 as a free-running 32-bit counter at 1 MHz, newlib's malloc()
 * over the _sbrk() that STM32CubeMX generates (heap from _end up to the reserved stack). Call agent_start() behind the
 * initialisations in main(), before the first malloc(), and agent_poll() in the main loop.
 */
#include <string.h>

#include "heapsoak_agent.h"
#include "main.h"

extern UART_HandleTypeDef huart2;
extern TIM_HandleTypeDef htim2;
extern uint8_t _end, _estack, _Min_Stack_Size;

static uint8_t received;

/* The HAL sends by interrupt from a buffer that must stay: one piece at a time, from a copy. */
size_t hs_transport_write(const uint8_t *bytes, size_t count)
{
  static uint8_t piece[64];
  if (huart2.gState != HAL_UART_STATE_READY) return 0;
  if (count > sizeof piece) count = sizeof piece;
  memcpy(piece, bytes, count);
  return HAL_UART_Transmit_IT(&huart2, piece, (uint16_t)count) == HAL_OK ? count : 0;
}

uint32_t hs_clock(void)
{
  return __HAL_TIM_GET_COUNTER(&htim2);
}

static void listen(void)
{
  (void)HAL_UART_Receive_IT(&huart2, &received, 1);
}

void HAL_UART_RxCpltCallback(UART_HandleTypeDef *uart)
{
  if (uart != &huart2) return;
  hs_receive(received);
  listen();
}

void agent_start(void)
{
  static uint8_t buffer[HEAPSOAK_COMMAND_BYTES + 2048];
  static uint32_t boots __attribute__((section(".noinit"))); /* add .noinit (NOLOAD) to the linker script */
  static struct hs_config config;
  config.board = "nucleo-f446re";
  config.build_id = __DATE__ " " __TIME__;
  config.heap.low = &_end;
  config.heap.end = &_estack - (uint32_t)&_Min_Stack_Size;
  config.buffer = buffer;
  config.buffer_bytes = sizeof buffer;
  config.clock_hz = 1000000;
  config.cycle_hz = SystemCoreClock;
  (void)HAL_TIM_Base_Start(&htim2);
  (void)hs_start(&config, ++boots ^ HAL_GetUIDw0());
  listen();
}

/* After a line error, or where the HAL was busy as the last byte came, reception has stopped: it is started again. */
void agent_poll(void)
{
  if (huart2.RxState == HAL_UART_STATE_READY) listen();
  hs_poll();
}
