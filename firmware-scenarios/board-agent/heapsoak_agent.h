/*
 * heapsoak's board agent: tells a host over a serial line what a firmware's heap does, and runs operations of the
 * host's on it. One header and one source file, C99, no heap of its own, at most 128 bytes of RAM besides one buffer.
 *
 * Add heapsoak_agent.c to the firmware and link with
 *     -Wl,--wrap=_malloc_r,--wrap=_free_r,--wrap=_realloc_r,--wrap=_calloc_r,--wrap=_memalign_r
 * Write hs_transport_write() and hs_clock(), fill in a struct hs_config, call hs_start() before the first malloc() and
 * hs_poll() from the main loop or the idle task, and hand received bytes to hs_receive(). README.md has the steps.
 *
 * From an interrupt or any task may be called: hs_log(), hs_name_task(), hs_stack(), hs_receive() and what captures
 * events. From one place only, and not from an interrupt: hs_start(), hs_poll() and hs_statistics().
 */
#ifndef HEAPSOAK_AGENT_H
#define HEAPSOAK_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef HEAPSOAK_CONFIG /* a header of the user's that sets the macros below, for example -DHEAPSOAK_CONFIG='"x.h"' */
#include HEAPSOAK_CONFIG
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- What can be set, all of it optional (README.md: configuration) ---- */

/* 0 leaves out everything that receives: the agent then only reports. */
#ifndef HEAPSOAK_COMMANDS
#define HEAPSOAK_COMMANDS 1
#endif

/* The front part of the buffer, for operations and their results. */
#ifndef HEAPSOAK_COMMAND_BYTES
#define HEAPSOAK_COMMAND_BYTES 256
#endif

/* Longer log texts, and longer names of anything, are cut. */
#ifndef HEAPSOAK_LOG_BYTES
#define HEAPSOAK_LOG_BYTES 96
#endif
#ifndef HEAPSOAK_NAME_BYTES
#define HEAPSOAK_NAME_BYTES 40
#endif

/* What an unused part of a stack is filled with, for hs_stack_unused(). FreeRTOS fills with the same. */
#ifndef HEAPSOAK_STACK_PAINT
#define HEAPSOAK_STACK_PAINT 0xA5
#endif

/* The least buffer: what holds the longest frame that the agent cannot do without. */
#define HEAPSOAK_RING_BYTES_LEAST 256
#if HEAPSOAK_COMMANDS
#define HEAPSOAK_BUFFER_BYTES_LEAST (HEAPSOAK_COMMAND_BYTES + HEAPSOAK_RING_BYTES_LEAST)
#else
#define HEAPSOAK_BUFFER_BYTES_LEAST HEAPSOAK_RING_BYTES_LEAST
#endif

/* ---- The protocol. Its other declaration is src/board/wire/protocol.ts; a test holds the two against each other. ----
 *
 * A frame before COBS, all numbers little-endian. On the line it is followed by a zero byte, or by several.
 *
 *   byte  0              1          3          n            n + 2 (memory: n + 4)
 *         | ver  | type  | sequence | payload  | check      |
 *           3      5 bits  16 bits               CRC-16, or CRC-32 of memory, over all before it
 */
enum {
  HS_PROTOCOL_VERSION = 1,
  HS_FRAME_HEADER_BYTES = 3,
  HS_FRAME_BYTES_MOST = 1024,
  HS_HEARTBEAT_MS = 1000,
  HS_HEARTBEATS_PER_IDENTITY = 10,
  HS_OPERATION_BYTES = 12,
  HS_RESULT_BYTES = 8,
  HS_UNKNOWN_SITE = 0,
  HS_NO_TASK = 0,
  HS_INTERRUPT_TASK = 0xffff
};

enum hs_frame_type {
  HS_FRAME_BOOT = 1,
  HS_FRAME_IDENTITY = 2,
  HS_FRAME_ALLOCATE = 3,
  HS_FRAME_ALLOCATE_ALIGNED = 4,
  HS_FRAME_RELEASE = 5,
  HS_FRAME_REALLOCATE = 6,
  HS_FRAME_TASK = 7,
  HS_FRAME_STACK = 8,
  HS_FRAME_STATISTICS = 9,
  HS_FRAME_LOG = 10,
  HS_FRAME_HEARTBEAT = 11,
  HS_FRAME_RESULTS = 12,
  HS_FRAME_REFUSAL = 13,
  HS_FRAME_MEMORY = 14,
  HS_FRAME_STATICS = 15,
  HS_FRAME_HELLO = 16,
  HS_FRAME_BATCH = 17,
  HS_FRAME_REPEAT_RESULTS = 18,
  HS_FRAME_READ_MEMORY = 19,
  HS_FRAME_READ_STATISTICS = 20,
  HS_FRAME_READ_STATICS = 21,
  HS_FRAME_RESTART = 22
};

/* Payloads, field by field.
 *
 * HS_LAYOUT boot: nonce u32, time u32, clockHz u32, cycleHz u32, heapLow u32, heapBytes u32, allocatorState u32, captured u32, ringBytes u32, commandBytes u16, sizeMeaning u8, names texts
 * HS_LAYOUT identity: nonce u32, time u32, clockHz u32, cycleHz u32, heapLow u32, heapBytes u32, allocatorState u32, captured u32, ringBytes u32, commandBytes u16, sizeMeaning u8, names texts
 * HS_LAYOUT allocate: time u32, address u32, requestBytes u32, site u32, task u16
 * HS_LAYOUT allocateAligned: time u32, address u32, requestBytes u32, site u32, task u16, alignment u32
 * HS_LAYOUT release: time u32, address u32, site u32, task u16
 * HS_LAYOUT reallocate: time u32, address u32, requestBytes u32, site u32, task u16, result u32
 * HS_LAYOUT task: task u16, name text
 * HS_LAYOUT stack: time u32, task u16, bytes u32, unusedBytes u32
 * HS_LAYOUT statistics: time u32, figures figures
 * HS_LAYOUT log: time u32, text text
 * HS_LAYOUT heartbeat: nonce u32, time u32, frames u32, captured u32, dropped u32
 * HS_LAYOUT results: batch u16, results results
 * HS_LAYOUT refusal: command u8, reason u8
 * HS_LAYOUT memory: address u32, data bytes
 * HS_LAYOUT statics: words words
 * HS_LAYOUT hello:
 * HS_LAYOUT batch: batch u16, count u8, reserved u16, operations operations
 * HS_LAYOUT repeatResults: batch u16
 * HS_LAYOUT readMemory: address u32, bytes u32
 * HS_LAYOUT readStatistics:
 * HS_LAYOUT readStatics:
 * HS_LAYOUT restart:
 *
 * An operation:  verb u8, reference u8, log2 alignment u8, 0 u8, block u32, request bytes u32
 * A result:      address u32, cycles u32
 * A figure:      key u8, value u32
 */

/* What the size of an event says. */
enum hs_size_meaning { HS_SIZE_REQUEST = 0, HS_SIZE_WITH_HEADER = 1, HS_SIZE_BLOCK = 2 };

/* Why a command was refused. */
enum hs_refusal {
  HS_REFUSAL_UNKNOWN = 1,
  HS_REFUSAL_BATCH_UNKNOWN = 2,
  HS_REFUSAL_OUT_OF_RANGE = 3,
  HS_REFUSAL_UNSUPPORTED = 4,
  HS_REFUSAL_TOO_LARGE = 5,
  HS_REFUSAL_RESULTS_LOST = 6
};

/* What an operation does. */
enum hs_verb { HS_VERB_ALLOCATE = 0, HS_VERB_ALLOCATE_ALIGNED = 1, HS_VERB_REALLOCATE = 2, HS_VERB_RELEASE = 3 };

/* Keys of an allocator's own figures. */
enum hs_figure_key {
  HS_FIGURE_FREE = 1,
  HS_FIGURE_USED = 2,
  HS_FIGURE_ARENA = 3,
  HS_FIGURE_FREE_BLOCKS = 4,
  HS_FIGURE_TOP = 5,
  HS_FIGURE_MIN_FREE = 6,
  HS_FIGURE_LARGEST_FREE = 7
};

/* ---- What the user describes ---- */

/* The bytes from `low` up to, but without, `end`. */
struct hs_range {
  const void *low, *end;
};

struct hs_figure {
  uint8_t key; /* enum hs_figure_key */
  uint32_t value;
};

/* An allocator of the user's own, for operations of the host's. What it lacks is NULL. */
struct hs_allocator {
  void *(*allocate)(size_t request_bytes);
  void *(*allocate_aligned)(size_t alignment, size_t request_bytes);
  void *(*reallocate)(void *block, size_t request_bytes);
  void (*release)(void *block);
};

/* May lie in flash. What is optional may be 0 or NULL. */
struct hs_config {
  const char *board;
  const char *build_id;          /* optional where build_note is given */
  const void *build_note;        /* optional: the linker's note .note.gnu.build-id */
  const char *allocator;         /* as heapsoak names it; optional with newlib, which is recognised */
  const char *allocator_version; /* optional with newlib */
  struct hs_range heap;
  struct hs_range ram;           /* optional: what the host may read besides the heap */
  uint8_t *buffer;
  uint32_t buffer_bytes;         /* at least HEAPSOAK_BUFFER_BYTES_LEAST */
  uint32_t clock_hz;             /* of hs_clock(); at least 1000 */
  uint32_t cycle_hz;             /* of HEAPSOAK_CYCLES(); optional */
  uint8_t size_meaning;          /* enum hs_size_meaning */

  const struct hs_allocator *operations; /* optional: the wrapped C library's */

  /* Both optional with newlib. They write up to `most` items and return how many; run inside the allocator's lock. */
  size_t (*figures)(struct hs_figure *figures, size_t most);
  size_t (*statics)(uint32_t *words, size_t most);

  void (*announce)(void); /* optional: called after each identity, to repeat hs_name_task() */
  void (*restart)(void);  /* optional on Cortex-M */
};

/* Takes up to `count` bytes for the line without waiting, and returns how many. Called by hs_poll() only. */
size_t hs_transport_write(const uint8_t *bytes, size_t count);

/* Ticks of a clock of clock_hz that wraps at 2^32. Called with interrupts masked: it must be short. */
uint32_t hs_clock(void);

/* ---- What the agent does ---- */

/*
 * Starts the agent. `config` must stay; `nonce` must be another one at each boot. False where the buffer is too
 * small or the description lacks what it must have; the agent then stays off.
 */
bool hs_start(const struct hs_config *config, uint32_t nonce);

/* Sends what is waiting, carries out commands, and beats. Whoever calls it seldom needs a larger ring. */
void hs_poll(void);

/* True while bytes wait for the line or a command waits to be carried out: not the time to sleep. */
bool hs_busy(void);

#if HEAPSOAK_COMMANDS
/* A byte from the line. */
void hs_receive(uint8_t byte);
#endif

/* A line of text, without its line end. */
void hs_log(const char *text);

/* A name for a `task` of other frames. */
void hs_name_task(uint16_t task, const char *name);

/* A stack of `bytes` bytes of which `unused_bytes` have never been used. */
void hs_stack(uint16_t task, uint32_t bytes, uint32_t unused_bytes);

/* How many bytes from `low` upwards still hold HEAPSOAK_STACK_PAINT. */
uint32_t hs_stack_unused(const void *low, uint32_t bytes);

/* Reports the allocator's own figures, where it has any. Takes the allocator's lock. */
void hs_statistics(void);

/*
 * Events, for allocators that are not wrapped by the linker. To be called inside the allocator's lock, after what it
 * did: block NULL is a refused request. HEAPSOAK_SITE() gives the caller of the function in which it stands.
 */
void hs_allocated(const void *block, size_t request_bytes, const void *site);
void hs_allocated_aligned(const void *block, size_t alignment, size_t request_bytes, const void *site);
void hs_released(const void *block, const void *site);
void hs_reallocated(const void *block, size_t request_bytes, const void *result, const void *site);

#define HEAPSOAK_SITE() __builtin_return_address(0)

#ifdef __cplusplus
}
#endif

#endif
