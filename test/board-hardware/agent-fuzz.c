/*
 * The board agent on this machine, under the address and undefined-behaviour sanitizers, against a hostile line and a
 * hostile firmware: random bytes, whole and damaged commands, events, full rings, a line that takes what it likes.
 *
 *   gcc -std=c99 -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -Ifirmware-scenarios/board-agent \
 *     test/board-hardware/agent-fuzz.c -o agent-fuzz && ./agent-fuzz [steps] [seed]
 *
 * Holds the agent to: no finding of the sanitizers; every frame on the line whole, of the declared length, and its
 * check right; numbers without a gap beyond the frames it counts as dropped; no batch carried out twice; memory sent
 * as it is, and none outside the ranges. Includes the source itself, to measure its state.
 */
#define _DEFAULT_SOURCE /* MAP_32BIT */

#include <stdint.h>

/* Where a masked section ends, something else may run at once. */
static void end_of_masked_section(void);

#define HEAPSOAK_MASK() 0u
#define HEAPSOAK_UNMASK(saved) ((void)(saved), end_of_masked_section())
#define HEAPSOAK_WRAP_NONE

#include "heapsoak_agent.c"

#include <stdio.h>
#include <sys/mman.h>

enum { HEAP_BYTES = 4096, RING_BYTES = 512, LINE_BYTES_MOST = 4096 };

static uint8_t *heap; /* below 4 GiB: the agent's addresses have 32 bits */
static uint32_t ticks, seed;
static uint32_t carried_out, expected_batch;

static uint8_t line[LINE_BYTES_MOST];
static uint32_t line_bytes_held;
static uint32_t frames_seen, gaps_seen, next_sequence, frames_of[32];
static bool restarted;

static void fail(const char *what)
{
  fprintf(stderr, "agent-fuzz: %s\n", what);
  exit(1);
}

static uint32_t chance(uint32_t bound)
{
  seed ^= seed << 13;
  seed ^= seed >> 17;
  seed ^= seed << 5;
  return seed % bound;
}

uint32_t hs_clock(void)
{
  return ticks;
}

static bool interrupted, polling;

static void poll_agent(void)
{
  polling = true;
  hs_poll();
  polling = false;
}

/* An interrupt that logs, or a task that polls although another one is about to send. */
static void end_of_masked_section(void)
{
  if (interrupted || chance(8) != 0) return;
  interrupted = true;
  if (chance(2)) hs_log("interrupt");
  else if (!polling) poll_agent();
  interrupted = false;
}

/* ---- What arrives at the host, decoded plainly ---- */

static uint32_t bitwise_check(const uint8_t *bytes, uint32_t count, bool long_check)
{
  uint32_t crc = long_check ? 0xffffffffu : 0xffffu;
  for (uint32_t i = 0; i < count; i++) {
    crc ^= long_check ? bytes[i] : (uint32_t)bytes[i] << 8;
    for (int bit = 0; bit < 8; bit++) {
      if (long_check) crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
      else crc = (crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1) & 0xffff;
    }
  }
  return long_check ? ~crc : crc;
}

static uint32_t unstuffed(uint8_t *frame)
{
  uint32_t length = 0;
  for (uint32_t at = 0; at < line_bytes_held;) {
    uint32_t code = line[at++];
    if (at + code - 1 > line_bytes_held) fail("COBS: a run beyond the frame");
    for (uint32_t i = 1; i < code; i++) frame[length++] = line[at++];
    if (code != 255 && at < line_bytes_held) frame[length++] = 0;
  }
  return length;
}

static bool has_fitting_length(uint32_t type, uint32_t payload)
{
  switch (type) {
  case HS_FRAME_BOOT:
  case HS_FRAME_IDENTITY: return payload >= 43;
  case HS_FRAME_ALLOCATE: return payload == 18;
  case HS_FRAME_ALLOCATE_ALIGNED:
  case HS_FRAME_REALLOCATE: return payload == 22;
  case HS_FRAME_RELEASE:
  case HS_FRAME_STACK: return payload == 14;
  case HS_FRAME_TASK: return payload >= 2 && payload <= 2 + HEAPSOAK_NAME_BYTES;
  case HS_FRAME_STATISTICS: return payload == 4 + 5 * 2;
  case HS_FRAME_LOG: return payload >= 4 && payload <= 4 + HEAPSOAK_LOG_BYTES;
  case HS_FRAME_HEARTBEAT: return payload == 20;
  case HS_FRAME_RESULTS: return payload % HS_RESULT_BYTES == 2;
  case HS_FRAME_REFUSAL: return payload == 2;
  case HS_FRAME_MEMORY: return payload >= 4 && payload <= 4 + MEMORY_BYTES_MOST;
  case HS_FRAME_STATICS: return payload == 4;
  default: return false;
  }
}

static void judge_memory(const uint8_t *payload, uint32_t bytes)
{
  uint32_t address = get32(payload);
  if (address < address_of(heap) || address + bytes - 4 > address_of(heap) + HEAP_BYTES) fail("memory outside the heap");
  if (memcmp((const void *)(uintptr_t)address, payload + 4, bytes - 4) != 0) fail("memory sent otherwise than it is");
}

static void judge_frame(void)
{
  static uint8_t frame[LINE_BYTES_MOST];
  uint32_t length = unstuffed(frame), type = frame[0] & 31u;
  bool long_check = type == HS_FRAME_MEMORY;
  uint32_t check_bytes = long_check ? 4 : 2;
  if (length < HS_FRAME_HEADER_BYTES + check_bytes || length > HS_FRAME_BYTES_MOST) fail("a frame of no possible length");
  if (frame[0] >> 5 != HS_PROTOCOL_VERSION) fail("another version");
  uint32_t check = long_check ? get32(frame + length - 4) : get16(frame + length - 2);
  if (check != bitwise_check(frame, length - check_bytes, long_check)) fail("a wrong check");
  uint32_t payload = length - HS_FRAME_HEADER_BYTES - check_bytes;
  if (!has_fitting_length(type, payload)) fail("a payload of the wrong length");
  if (long_check) judge_memory(frame + HS_FRAME_HEADER_BYTES, payload);
  gaps_seen += (get16(frame + 1) - next_sequence) & 0xffff;
  next_sequence = (get16(frame + 1) + 1) & 0xffff;
  frames_seen++;
  frames_of[type]++;
}

/* A line that takes between nothing and everything. */
size_t hs_transport_write(const uint8_t *bytes, size_t count)
{
  size_t taken = chance(3) == 0 ? 0 : chance((uint32_t)count + 1);
  for (size_t i = 0; i < taken; i++) {
    if (bytes[i] != 0) {
      if (line_bytes_held == LINE_BYTES_MOST) fail("a frame without an end");
      line[line_bytes_held++] = bytes[i];
    } else if (line_bytes_held > 0) {
      judge_frame();
      line_bytes_held = 0;
    }
  }
  return taken;
}

/* ---- An allocator that only counts: what it hands out is never touched ---- */

static void *fuzz_allocate(size_t bytes)
{
  carried_out++;
  hs_allocated(heap, bytes, NULL); /* inside the agent's own call: must not be told */
  return bytes % 7 == 0 ? NULL : heap + bytes % HEAP_BYTES;
}

static void *fuzz_allocate_aligned(size_t alignment, size_t bytes)
{
  return fuzz_allocate(alignment + bytes);
}

static void *fuzz_reallocate(void *block, size_t bytes)
{
  (void)block;
  return fuzz_allocate(bytes);
}

static void fuzz_release(void *block)
{
  carried_out++;
  hs_released(block, NULL);
}

static const struct hs_allocator fuzz_operations = {
  fuzz_allocate, fuzz_allocate_aligned, fuzz_reallocate, fuzz_release
};

static size_t fuzz_figures(struct hs_figure *figures, size_t most)
{
  if (most < 2) fail("no room for figures");
  figures[0] = (struct hs_figure){HS_FIGURE_FREE, 1};
  figures[1] = (struct hs_figure){HS_FIGURE_USED, 0};
  return 2;
}

static size_t fuzz_statics(uint32_t *words, size_t most)
{
  if (most < 1) fail("no room for statics");
  words[0] = 0x00ff0001;
  return 1;
}

static void fuzz_restart(void)
{
  restarted = true;
}

/* ---- What a host, a line and a firmware may do ---- */

static uint32_t put_check(uint8_t *frame, uint32_t length)
{
  uint32_t check = bitwise_check(frame, length, false);
  frame[length] = (uint8_t)check;
  frame[length + 1] = (uint8_t)(check >> 8);
  return length + 2;
}

static void fill(uint8_t *bytes, uint32_t count)
{
  for (uint32_t i = 0; i < count; i++) bytes[i] = (uint8_t)(chance(2) ? chance(256) : chance(3));
}

/* A batch as a host sends it, most of the time with numbers in order and operations that can be carried out. */
static uint32_t put_batch(uint8_t *frame)
{
  uint32_t number = chance(4) == 0 ? expected_batch : chance(20) == 0 ? chance(65536) : expected_batch + 1;
  uint32_t count = chance(10) == 0 ? chance(256) : chance(22);
  frame[5] = (uint8_t)count;
  (void)set16(frame + 3, number);
  (void)set16(frame + 6, chance(40) == 0 ? 1 : 0);
  if (count > 60) count = 60;
  for (uint32_t i = 0; i < count; i++) {
    uint8_t *operation = frame + 8 + i * HS_OPERATION_BYTES;
    operation[0] = (uint8_t)chance(chance(200) == 0 ? 256 : 4);
    operation[1] = i > 0 && chance(2);
    operation[2] = (uint8_t)chance(chance(200) == 0 ? 256 : 16);
    operation[3] = 0;
    (void)set32(operation + 4, operation[1] ? chance(i) : address_of(heap) + chance(HEAP_BYTES));
    (void)set32(operation + 8, chance(100000));
  }
  expected_batch = number & 0xffff;
  if (chance(30) == 0) frame[5] = (uint8_t)chance(20); /* longer than it says, or shorter */
  return 8 + count * HS_OPERATION_BYTES;
}

static uint32_t put_command(uint8_t *frame)
{
  uint32_t type = HS_FRAME_HELLO + chance(chance(10) == 0 ? 16 : 7);
  frame[0] = (uint8_t)((chance(50) == 0 ? chance(8) : HS_PROTOCOL_VERSION) << 5 | type);
  fill(frame + 1, 2);
  switch (type) {
  case HS_FRAME_BATCH: return put_batch(frame);
  case HS_FRAME_REPEAT_RESULTS: return (uint32_t)(set16(frame + 3, expected_batch) - frame);
  case HS_FRAME_READ_MEMORY: {
    uint8_t *at = set32(frame + 3, address_of(heap) + chance(HEAP_BYTES + 64) - (chance(20) == 0 ? 1 : 0));
    return (uint32_t)(set32(at, chance(10) == 0 ? chance(0xffffffffu) : chance(1000)) - frame);
  }
  default: {
    uint32_t payload = chance(20) == 0 ? chance(40) : 0;
    fill(frame + 3, payload);
    return 3 + payload;
  }
  }
}

static void receive_stuffed(const uint8_t *frame, uint32_t length)
{
  uint32_t at = 0;
  bool ended = false;
  while (!ended) {
    uint32_t run = 0;
    while (at + run < length && run < 254 && frame[at + run] != 0) run++;
    hs_receive((uint8_t)(run + 1));
    for (uint32_t i = 0; i < run; i++) hs_receive(frame[at + i]);
    at += run;
    ended = at == length;
    if (!ended && run < 254) at++;
    if (chance(200) == 0) poll_agent();
  }
  hs_receive(0);
}

static void send_command(void)
{
  uint8_t frame[1024];
  memset(frame, 0, sizeof frame);
  uint32_t length = put_check(frame, put_command(frame));
  if (chance(5) == 0) frame[chance(length)] ^= (uint8_t)(1u << chance(8));
  if (chance(15) == 0) length = chance(length);
  uint32_t executed = state.batch, before = carried_out;
  receive_stuffed(frame, length);
  while (chance(4) != 0) poll_agent();
  if (state.batch == executed && executed != 0 && carried_out != before && get16(frame + 3) == executed) {
    fail("a batch carried out twice");
  }
}

static void send_garbage(void)
{
  for (uint32_t left = chance(600); left > 0; left--) hs_receive((uint8_t)chance(256));
}

static void do_something(void)
{
  static const char text[] = "a log line that is rather longer than the agent is willing to send to anybody: "
                             "0123456789 0123456789 0123456789";
  const void *block = heap + chance(HEAP_BYTES);
  switch (chance(12)) {
  case 0: hs_allocated(chance(4) ? block : NULL, chance(1000), block); break;
  case 1: hs_allocated_aligned(block, 1u << chance(8), chance(1000), block); break;
  case 2: hs_released(chance(4) ? block : NULL, block); break;
  case 3: hs_reallocated(chance(4) ? block : NULL, chance(1000), block, block); break;
  case 4: hs_log(text + chance(sizeof text)); break;
  case 5: hs_name_task((uint16_t)chance(65536), text + chance(sizeof text)); break;
  case 6: hs_stack((uint16_t)chance(65536), chance(4096), hs_stack_unused(heap, chance(HEAP_BYTES))); break;
  case 7: hs_statistics(); break;
  case 8: ticks += chance(3) == 0 ? chance(100000) : chance(50); break;
  case 9: send_garbage(); break;
  default: send_command(); break;
  }
  if (chance(2)) poll_agent();
}

int main(int count, char **arguments)
{
  static uint8_t buffer[HEAPSOAK_COMMAND_BYTES + RING_BYTES];
  static const uint32_t note[] = {4, 20, 3, 0x554e47, 0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c, 0x13121110};
  uint32_t steps = count > 1 ? (uint32_t)strtoul(arguments[1], NULL, 0) : 1000000u;
  seed = count > 2 ? (uint32_t)strtoul(arguments[2], NULL, 0) | 1u : 1u;
  heap = mmap(NULL, HEAP_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  if (heap == MAP_FAILED) fail("no memory below 4 GiB");
  fill(heap, HEAP_BYTES);
  struct hs_config config = {
    .board = "fuzz", .build_note = note, .allocator = "none", .allocator_version = "a version of a good length that is cut",
    .heap = {heap, heap + HEAP_BYTES}, .buffer = buffer, .buffer_bytes = sizeof buffer, .clock_hz = 1000,
    .operations = &fuzz_operations, .figures = fuzz_figures, .statics = fuzz_statics, .restart = fuzz_restart,
  };
  if (sizeof state > 128) fail("more than 128 bytes of state");
  config.buffer_bytes = HEAPSOAK_BUFFER_BYTES_LEAST - 1;
  if (hs_start(&config, 1)) fail("started on too small a buffer");
  config.buffer_bytes = sizeof buffer;
  if (!hs_start(&config, 1)) fail("did not start");
  for (uint32_t step = 0; step < steps; step++) do_something();
  for (int polls = 0; polls < 100000 && hs_busy(); polls++) poll_agent();
  if (hs_busy()) fail("never at rest");
  if (frames_seen + state.dropped != state.frames) fail("frames neither sent nor counted as dropped");
  if (gaps_seen > state.dropped) fail("numbers missing beyond the frames counted as dropped");
  if (!restarted) fail("never restarted");
  printf("%u steps: %u frames, %u dropped, %u operations, %zu bytes of state\n", (unsigned)steps, (unsigned)frames_seen,
         (unsigned)state.dropped, (unsigned)carried_out, sizeof state);
  for (uint32_t type = HS_FRAME_BOOT; type <= HS_FRAME_STATICS; type++) {
    if (frames_of[type] == 0) fail("a type of frame that never came");
  }
  return 0;
}
