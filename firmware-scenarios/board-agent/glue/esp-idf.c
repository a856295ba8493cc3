/*
 * ESP-IDF 5.1 and later, CONFIG_HEAP_USE_HOOKS=y, the agent compiled with
 *
 *   -DHEAPSOAK_WRAP_NONE -DHEAPSOAK_CONFIG='"esp-idf-config.h"', a header of these lines:
 *     #include <freertos/FreeRTOS.h>
 *     #include <freertos/task.h>
 *     extern portMUX_TYPE agent_mux;
 *     static inline uint32_t agent_mask(void) { portENTER_CRITICAL_SAFE(&agent_mux); return 0; }
 *     static inline void agent_unmask(uint32_t saved) { (void)saved; portEXIT_CRITICAL_SAFE(&agent_mux); }
 *     #define HEAPSOAK_MASK() agent_mask()
 *     #define HEAPSOAK_UNMASK(saved) agent_unmask(saved)
 *     #define HEAPSOAK_IN_INTERRUPT() xPortInIsrContext()
 *     #define HEAPSOAK_TASK() ((uintptr_t)xTaskGetCurrentTaskHandle() >> 3)
 *
 * For recording. ESP-IDF spreads malloc() over several heaps and calls these hooks outside their locks, and it tells
 * no call site: a twin cannot follow, and operations of the host's are refused. Call agent_start() early in app_main().
 */
#include <driver/uart.h>
#include <esp_random.h>
#include <esp_timer.h>
#include <freertos/FreeRTOS.h>
#include <freertos/task.h>

#include "heapsoak_agent.h"

#define AGENT_UART UART_NUM_1

portMUX_TYPE agent_mux = portMUX_INITIALIZER_UNLOCKED;

void esp_heap_trace_alloc_hook(void *block, size_t bytes, uint32_t capabilities)
{
  (void)capabilities;
  hs_allocated(block, bytes, NULL);
}

void esp_heap_trace_free_hook(void *block)
{
  hs_released(block, NULL);
}

size_t hs_transport_write(const uint8_t *bytes, size_t count)
{
  size_t room = 0;
  if (uart_get_tx_buffer_free_size(AGENT_UART, &room) != ESP_OK) return 0;
  if (count > room) count = room;
  int written = count > 0 ? uart_write_bytes(AGENT_UART, bytes, count) : 0;
  return written > 0 ? (size_t)written : 0;
}

uint32_t hs_clock(void)
{
  return (uint32_t)esp_timer_get_time();
}

static void agent_task(void *unused)
{
  uint8_t bytes[64];
  (void)unused;
  for (;;) {
    int count = uart_read_bytes(AGENT_UART, bytes, sizeof bytes, hs_busy() ? 0 : 1);
    for (int i = 0; i < count; i++) hs_receive(bytes[i]);
    hs_poll();
  }
}

void agent_start(void)
{
  static uint8_t buffer[HEAPSOAK_COMMAND_BYTES + 4096];
  static struct hs_config config;
  const uart_config_t line = {
    .baud_rate = 921600, .data_bits = UART_DATA_8_BITS, .parity = UART_PARITY_DISABLE, .stop_bits = UART_STOP_BITS_1,
  };
  config.board = "esp32-s3";
  config.build_id = __DATE__ " " __TIME__;
  config.allocator = "tlsf-esp";
  config.buffer = buffer;
  config.buffer_bytes = sizeof buffer;
  config.clock_hz = 1000000;
  ESP_ERROR_CHECK(uart_driver_install(AGENT_UART, 256, 2048, 0, NULL, 0));
  ESP_ERROR_CHECK(uart_param_config(AGENT_UART, &line));
  ESP_ERROR_CHECK(uart_set_pin(AGENT_UART, 17, 18, UART_PIN_NO_CHANGE, UART_PIN_NO_CHANGE));
  (void)hs_start(&config, esp_random());
  xTaskCreate(agent_task, "heapsoak", 3072, NULL, 1, NULL);
}
