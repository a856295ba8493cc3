/*
 * heapsoak's board agent. The contract is in heapsoak_agent.h.
 *
 *   firmware --malloc--> wrapper --event--> ring --hs_poll--> hs_transport_write --> line
 *                          |                 ^
 *                   the real allocator <-- commands <--hs_receive-- line
 *
 *   buffer  | commands, then their results | ring: sent .. | waiting | being written | free |
 *           0            HEAPSOAK_COMMAND_BYTES          tail      head           reserved
 *
 * Whoever sends a frame takes its place in the ring and its number in one masked section, and writes it with
 * interrupts on. Frames may so be written inside one another; what they wrote is given free for sending when the
 * outermost is complete.
 */
#include "heapsoak_agent.h"

#include <stdlib.h>
#include <string.h>

/* ---- The processor: masked sections, the running interrupt, the cycle counter, the reset ---- */

#if defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M'
#define CORTEX_M 1
#else
#define CORTEX_M 0
#endif

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

/* HEAPSOAK_MASK() masks interrupts and returns what HEAPSOAK_UNMASK(it) needs to restore them; both may nest. */
#ifndef HEAPSOAK_MASK
#if CORTEX_M
#define HEAPSOAK_MASK() mask_interrupts()
#define HEAPSOAK_UNMASK(saved) __asm__ volatile("msr primask, %0" ::"r"(saved) : "memory")

static inline uint32_t mask_interrupts(void)
{
  uint32_t saved;
  __asm__ volatile("mrs %0, primask\n\tcpsid i" : "=r"(saved)::"memory");
  return saved;
}
#else
#error "Define HEAPSOAK_MASK() and HEAPSOAK_UNMASK(saved) for this processor, in the header that HEAPSOAK_CONFIG names."
#endif
#endif

/* The task that runs, where none of it is known: HS_NO_TASK. */
#ifndef HEAPSOAK_TASK
#define HEAPSOAK_TASK() HS_NO_TASK
#endif

#ifndef HEAPSOAK_IN_INTERRUPT
#if CORTEX_M
#define HEAPSOAK_IN_INTERRUPT() (running_exception() != 0)

static inline uint32_t running_exception(void)
{
  uint32_t number;
  __asm__ volatile("mrs %0, ipsr" : "=r"(number));
  return number;
}
#else
#define HEAPSOAK_IN_INTERRUPT() 0
#endif
#endif

static uint16_t running_task(void)
{
  return (uint16_t)(HEAPSOAK_IN_INTERRUPT() ? HS_INTERRUPT_TASK : HEAPSOAK_TASK());
}

#if HEAPSOAK_COMMANDS
#ifdef HEAPSOAK_CYCLES
static bool start_cycles(void)
{
  return true;
}
#elif CORTEX_M && __ARM_ARCH >= 7
#define HEAPSOAK_CYCLES() REGISTER(0xE0001004u) /* DWT_CYCCNT */

/* Starts the counter. Not every core has one, and no emulated one counts. */
static bool start_cycles(void)
{
  REGISTER(0xE000EDFCu) |= 1u << 24;   /* DEMCR.TRCENA */
  REGISTER(0xE0001FB0u) = 0xC5ACCE55u; /* DWT_LAR: a Cortex-M7 keeps its counter locked; others ignore it */
  REGISTER(0xE0001000u) |= 1u;         /* DWT_CTRL.CYCCNTENA */
  uint32_t before = HEAPSOAK_CYCLES();
  return HEAPSOAK_CYCLES() != before;
}
#else
#define HEAPSOAK_CYCLES() 0u

static bool start_cycles(void)
{
  return false;
}
#endif
#endif

/* What is written before it is in memory before what is written after it, for interrupts, tasks and other cores. */
static inline void publish(void)
{
  __atomic_thread_fence(__ATOMIC_ACQ_REL);
}

/* ---- The allocator: how the linker wraps it, its lock, what is known of it without being told ---- */

#if !defined(HEAPSOAK_WRAP_PLAIN) && !defined(HEAPSOAK_WRAP_NONE)
#if defined(__NEWLIB__) && !defined(__PICOLIBC__) && !defined(_PICOLIBC__)
#define WRAP_NEWLIB 1
#else
#error "No reentrant newlib: define HEAPSOAK_WRAP_PLAIN, or HEAPSOAK_WRAP_NONE for an allocator that calls the agent."
#endif
#else
#define WRAP_NEWLIB 0
#endif

#if WRAP_NEWLIB
#include <malloc.h>
#include <reent.h>
#ifndef HEAPSOAK_LOCK
#define HEAPSOAK_LOCK() __malloc_lock(_REENT)
#define HEAPSOAK_UNLOCK() __malloc_unlock(_REENT)
void __malloc_lock(struct _reent *reent);
void __malloc_unlock(struct _reent *reent);
#endif

#endif

/* With HEAPSOAK_NEWLIB_REPLACED another allocator stands behind newlib's functions: nothing of newlib's is touched. */
#if WRAP_NEWLIB && !defined(HEAPSOAK_NEWLIB_REPLACED)
#define NEWLIB_IS_KNOWN 1

/* newlib's own variables tell which of its two allocators is linked: the other's stay undefined. */
extern char *__malloc_free_list __attribute__((weak));  /* nano */
extern char *__malloc_sbrk_start __attribute__((weak)); /* nano */
extern char *__malloc_av_[] __attribute__((weak));      /* full */
#else
#define NEWLIB_IS_KNOWN 0
#endif

/* HEAPSOAK_LOCK() takes the allocator's lock, which must be recursive. */
#ifndef HEAPSOAK_LOCK
#define HEAPSOAK_LOCK() ((void)0)
#define HEAPSOAK_UNLOCK() ((void)0)
#endif

/* ---- State ---- */

/* Frames of the agent's own that wait for room in the ring. */
enum due { DUE_IDENTITY = 1, DUE_HEARTBEAT = 2 };

/* Where a command is. What comes in behind LISTENING is ignored: the host says one thing at a time. */
enum reception { LISTENING, DELIVERED, ANSWERING };

/* COBS: the longest run that one code stands for. */
enum { RUN_BYTES_MOST = 254 };

enum { BATCH_HEAD_BYTES = 8, COMMAND_HEAD_BYTES = 16, MEMORY_BYTES_MOST = 192, FIGURES_MOST = 7, STATICS_MOST = 8 };

static struct {
  const struct hs_config *config; /* NULL until started */
  uint32_t nonce;
  uint32_t frames;   /* numbered since boot */
  uint32_t captured; /* allocator events since boot */
  uint32_t dropped;  /* frames for which the ring had no room */
  uint32_t beat_at;  /* time of the last heartbeat */

  volatile uint32_t tail, head, reserved; /* the ring, see above; tail == reserved: empty */
  uint32_t held;                          /* bytes of the ring kept free for a frame that waits */
  uint8_t writers;                        /* frames that are being written */
  uint8_t depth;                          /* calls inside the allocator, in its lock */
  uint8_t beats;                          /* heartbeats since the last identity */
  uint8_t due;                            /* enum due */

#if HEAPSOAK_COMMANDS
  volatile uint8_t reception; /* enum reception */
  uint8_t answer;             /* type of the frame that answers, while ANSWERING */
  uint8_t cycles_count;       /* the cycle counter runs */
  uint8_t deaf;               /* until the next zero byte: the frame is not wanted */
  uint8_t run_left;           /* COBS: bytes up to the next code */
  uint8_t zero_due;           /* COBS: a zero stands before the next code */
  uint8_t storing;            /* the batch that arrives goes into the buffer */
  uint8_t results;            /* results in the buffer, of the last batch */
  uint8_t results_kept;       /* and they are whole */
  uint8_t last[2];            /* the frame's last two bytes, perhaps its check */
  uint16_t check;             /* over those before */
  uint16_t length;            /* of the frame so far */
  uint16_t batch;             /* the last one carried out; 0: none */
  uint8_t command[COMMAND_HEAD_BYTES]; /* a batch's first 8 bytes, any other command's all */
#endif
} state;

/* The promise of the header, kept by the compiler. */
typedef char state_fits_128_bytes[sizeof state <= 128 ? 1 : -1];
typedef char command_bytes_fit[HEAPSOAK_COMMAND_BYTES >= 14 && HEAPSOAK_COMMAND_BYTES <= 1000 ? 1 : -1];
typedef char log_fits_a_frame[HEAPSOAK_LOG_BYTES <= HS_FRAME_BYTES_MOST - HS_FRAME_HEADER_BYTES - 4 - 2 ? 1 : -1];
typedef char names_fit_the_ring[4 * (HEAPSOAK_NAME_BYTES + 1) + 39 + 7 <= HEAPSOAK_RING_BYTES_LEAST - 2 ? 1 : -1];

static uint32_t address_of(const void *pointer)
{
  return (uint32_t)(uintptr_t)pointer;
}

static uint32_t bytes_of(struct hs_range range)
{
  return address_of(range.end) - address_of(range.low);
}

/* ---- Checks ---- */

/* CRC-16/IBM-3740 (polynomial 0x1021, begins with 0xffff), a byte at a time without a table. */
static uint16_t crc16(uint32_t crc, uint32_t byte)
{
  uint32_t x = (crc >> 8) ^ byte;
  x ^= x >> 4;
  return (uint16_t)((crc << 8) ^ (x << 12) ^ (x << 5) ^ x);
}

/* CRC-32 (polynomial 0x04c11db7 reflected, begins with and is inverted by 0xffffffff), half a byte at a time. */
static uint32_t crc32(uint32_t crc, uint32_t byte)
{
  static const uint32_t table[16] = {
    0x00000000u, 0x1db71064u, 0x3b6e20c8u, 0x26d930acu, 0x76dc4190u, 0x6b6b51f4u, 0x4db26158u, 0x5005713cu,
    0xedb88320u, 0xf00f9344u, 0xd6d6a3e8u, 0xcb61b38cu, 0x9b64c2b0u, 0x86d3d2d4u, 0xa00ae278u, 0xbdbdf21cu,
  };
  crc ^= byte;
  crc = (crc >> 4) ^ table[crc & 15];
  return (crc >> 4) ^ table[crc & 15];
}

/* ---- The ring, and frames on their way into it ---- */

/* What becomes of a frame for which there is no room. */
enum urgency {
  EVENT,  /* dropped and counted, and an allocator event */
  NEWS,   /* dropped and counted */
  WAITING /* tried again by hs_poll(); room is kept for it */
};

struct frame {
  uint32_t number, time, captured, dropped; /* as the masked section found them */
  uint32_t at, end;                         /* in the ring */
  uint32_t code_at;                         /* COBS: where the code of the current run belongs */
  uint32_t run;                             /* COBS: bytes since then */
  uint32_t check;
  bool long_check;
};

static uint8_t *ring_of(const struct hs_config *config)
{
  return config->buffer + (HEAPSOAK_COMMANDS ? HEAPSOAK_COMMAND_BYTES : 0);
}

static uint8_t *ring(void)
{
  return ring_of(state.config);
}

static uint32_t ring_bytes(void)
{
  return state.config->buffer_bytes - (HEAPSOAK_COMMANDS ? HEAPSOAK_COMMAND_BYTES : 0);
}

static uint32_t wrapped(uint32_t at)
{
  return at >= ring_bytes() ? at - ring_bytes() : at;
}

static uint32_t free_bytes(void)
{
  uint32_t used = state.reserved - state.tail;
  if (state.reserved < state.tail) used += ring_bytes();
  return ring_bytes() - 1 - used;
}

/* What a frame takes on the line at most: COBS at its worst, and a zero. */
static uint32_t line_bytes(uint32_t frame_bytes)
{
  return frame_bytes + frame_bytes / RUN_BYTES_MOST + 2;
}

/* Takes `bytes` of the ring and a number, unless there is no room. To be called with interrupts masked. */
static bool reserve(struct frame *frame, uint32_t bytes, enum urgency urgency)
{
  if (urgency == EVENT) state.captured++;
  if (bytes + (urgency == WAITING ? 0 : state.held) > free_bytes()) {
    if (urgency == WAITING) {
      state.held = bytes;
    } else {
      state.frames++;
      state.dropped++;
    }
    return false;
  }
  if (urgency == WAITING) state.held = 0;
  frame->number = state.frames++;
  frame->time = hs_clock();
  frame->captured = state.captured;
  frame->dropped = state.dropped;
  frame->at = state.reserved;
  state.reserved = frame->end = wrapped(state.reserved + bytes);
  state.writers++;
  return true;
}

/* Memory images only, which only commands ask for. */
static bool has_long_check(const struct frame *frame)
{
  return HEAPSOAK_COMMANDS && frame->long_check;
}

/*
 * Checks and writes bytes. COBS: each run of up to 254 bytes other than zero has its length + 1 in front of it, and
 * stands for a zero behind it. All that changes is kept in locals: this loop is most of an event's cost.
 */
static void put_bytes(struct frame *frame, const volatile uint8_t *bytes, uint32_t count)
{
  uint8_t *const base = ring();
  const uint32_t size = ring_bytes();
  uint32_t at = frame->at, code_at = frame->code_at, run = frame->run, check = frame->check;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t byte = bytes[i];
    check = has_long_check(frame) ? crc32(check, byte) : crc16(check, byte);
    if (byte != 0) {
      base[at] = (uint8_t)byte;
      if (++at == size) at = 0;
      run++;
    }
    if (byte == 0 || run == RUN_BYTES_MOST) {
      base[code_at] = (uint8_t)(run + 1);
      code_at = at;
      if (++at == size) at = 0;
      run = 0;
    }
  }
  frame->at = at;
  frame->code_at = code_at;
  frame->run = run;
  frame->check = check;
}

/* Numbers in the order of the line. Both return where the next one goes. */
static uint8_t *set16(uint8_t *bytes, uint32_t value)
{
  bytes[0] = (uint8_t)value;
  bytes[1] = (uint8_t)(value >> 8);
  return bytes + 2;
}

static uint8_t *set32(uint8_t *bytes, uint32_t value)
{
  return set16(set16(bytes, value), value >> 16);
}

static void put8(struct frame *frame, uint32_t value)
{
  uint8_t byte = (uint8_t)value;
  put_bytes(frame, &byte, 1);
}

static void put16(struct frame *frame, uint32_t value)
{
  uint8_t bytes[2];
  (void)set16(bytes, value);
  put_bytes(frame, bytes, sizeof bytes);
}

static void put32(struct frame *frame, uint32_t value)
{
  uint8_t bytes[4];
  (void)set32(bytes, value);
  put_bytes(frame, bytes, sizeof bytes);
}

static void put_text(struct frame *frame, const char *text, uint32_t length)
{
  put_bytes(frame, (const uint8_t *)text, length);
}

/* Begins a frame with a payload of just so many bytes. False: there is no room, and nothing is to be written. */
static bool open_frame(struct frame *frame, enum hs_frame_type type, uint32_t payload_bytes, enum urgency urgency)
{
  if (state.config == NULL) {
    if (urgency == EVENT) state.captured++; /* in the allocator's lock, before the first masked section */
    return false;
  }
  frame->long_check = type == HS_FRAME_MEMORY;
  uint32_t bytes = HS_FRAME_HEADER_BYTES + payload_bytes + (has_long_check(frame) ? 4 : 2);
  uint32_t saved = HEAPSOAK_MASK();
  bool reserved = reserve(frame, line_bytes(bytes), urgency);
  HEAPSOAK_UNMASK(saved);
  if (!reserved) return false;
  frame->check = has_long_check(frame) ? 0xffffffffu : 0xffffu;
  frame->code_at = frame->at;
  frame->at = wrapped(frame->at + 1);
  frame->run = 0;
  uint8_t head[HS_FRAME_HEADER_BYTES] = {(uint8_t)(HS_PROTOCOL_VERSION << 5 | type)};
  (void)set16(head + 1, frame->number);
  put_bytes(frame, head, sizeof head);
  return true;
}

static void close_frame(struct frame *frame)
{
  if (has_long_check(frame)) put32(frame, ~frame->check);
  else put16(frame, frame->check);
  ring()[frame->code_at] = (uint8_t)(frame->run + 1);
  while (frame->at != frame->end) {
    ring()[frame->at] = 0;
    frame->at = wrapped(frame->at + 1);
  }
  uint32_t saved = HEAPSOAK_MASK();
  if (--state.writers == 0) state.head = state.reserved;
  HEAPSOAK_UNMASK(saved);
}

/* Offers what is complete to the line: at most up to the ring's end, and once more from its start. */
static void drain(void)
{
  for (int part = 0; part < 2; part++) {
    uint32_t tail = state.tail, head = state.head;
    uint32_t waiting = (head >= tail ? head : ring_bytes()) - tail;
    if (waiting == 0) return;
    publish(); /* the head was read before the bytes are, and these are before their room is given up */
    uint32_t taken = (uint32_t)hs_transport_write(ring() + tail, waiting);
    publish();
    state.tail = wrapped(tail + taken);
  }
}

/* ---- Events ---- */

/* False inside the allocator's own calls of itself. */
static bool open_event(struct frame *frame, enum hs_frame_type type, uint32_t payload_bytes)
{
  return state.depth == 0 && open_frame(frame, type, payload_bytes, EVENT);
}

static uint8_t *set_request(uint8_t *at, const struct frame *frame, const void *block, size_t request_bytes,
                            const void *site)
{
  at = set32(at, frame->time);
  at = set32(at, address_of(block));
  at = set32(at, (uint32_t)request_bytes);
  at = set32(at, address_of(site));
  return set16(at, running_task());
}

static void send_event(struct frame *frame, const uint8_t *payload, const uint8_t *end)
{
  put_bytes(frame, payload, (uint32_t)(end - payload));
  close_frame(frame);
}

void hs_allocated(const void *block, size_t request_bytes, const void *site)
{
  struct frame frame;
  uint8_t payload[18];
  if (!open_event(&frame, HS_FRAME_ALLOCATE, sizeof payload)) return;
  send_event(&frame, payload, set_request(payload, &frame, block, request_bytes, site));
}

void hs_allocated_aligned(const void *block, size_t alignment, size_t request_bytes, const void *site)
{
  struct frame frame;
  uint8_t payload[22];
  if (!open_event(&frame, HS_FRAME_ALLOCATE_ALIGNED, sizeof payload)) return;
  uint8_t *at = set_request(payload, &frame, block, request_bytes, site);
  send_event(&frame, payload, set32(at, (uint32_t)alignment));
}

void hs_released(const void *block, const void *site)
{
  struct frame frame;
  uint8_t payload[14];
  if (block == NULL || !open_event(&frame, HS_FRAME_RELEASE, sizeof payload)) return;
  uint8_t *at = set32(payload, frame.time);
  at = set32(at, address_of(block));
  at = set32(at, address_of(site));
  send_event(&frame, payload, set16(at, running_task()));
}

void hs_reallocated(const void *block, size_t request_bytes, const void *result, const void *site)
{
  struct frame frame;
  uint8_t payload[22];
  if (block == NULL) {
    hs_allocated(result, request_bytes, site);
    return;
  }
  if (!open_event(&frame, HS_FRAME_REALLOCATE, sizeof payload)) return;
  uint8_t *at = set_request(payload, &frame, block, request_bytes, site);
  send_event(&frame, payload, set32(at, address_of(result)));
}

/* ---- Wrappers: what the linker puts in the allocator's place ---- */

/* Calls between these two are the allocator's own, until the outermost has returned. */
static inline void enter(void)
{
  HEAPSOAK_LOCK();
  state.depth++;
}

/* What happened may be told now; the lock is still held. */
static inline void leave(void)
{
  state.depth--;
}

#ifndef HEAPSOAK_WRAP_NONE
/* calloc's request. One that wraps around is what the allocator was asked for, if it was served, or more than any. */
static size_t product(const void *block, size_t count, size_t bytes)
{
  if (block == NULL && bytes != 0 && count > SIZE_MAX / bytes) return SIZE_MAX;
  return count * bytes;
}

/* With newlib each function has the caller's reentrancy structure in front; otherwise nothing. */
#if WRAP_NEWLIB
#define REAL(name) __real__##name##_r
#define WRAP(name) __wrap__##name##_r
#define PARAMETERS(...) (struct _reent * reent, __VA_ARGS__)
#define ARGUMENTS(...) (reent, __VA_ARGS__)
#define HEAPSOAK_ALIGNED_NAME memalign
#else
#define REAL(name) __real_##name
#define WRAP(name) __wrap_##name
#define PARAMETERS(...) (__VA_ARGS__)
#define ARGUMENTS(...) (__VA_ARGS__)
#ifndef HEAPSOAK_ALIGNED_NAME
#define HEAPSOAK_ALIGNED_NAME memalign /* or aligned_alloc */
#endif
#endif
#define EXPANDED_REAL(name) REAL(name)
#define EXPANDED_WRAP(name) WRAP(name)

void *REAL(malloc) PARAMETERS(size_t bytes);
void REAL(free) PARAMETERS(void *block);
void *REAL(realloc) PARAMETERS(void *block, size_t bytes);
void *REAL(calloc) PARAMETERS(size_t count, size_t bytes);
void *EXPANDED_REAL(HEAPSOAK_ALIGNED_NAME) PARAMETERS(size_t alignment, size_t bytes);

void *WRAP(malloc) PARAMETERS(size_t bytes);
void WRAP(free) PARAMETERS(void *block);
void *WRAP(realloc) PARAMETERS(void *block, size_t bytes);
void *WRAP(calloc) PARAMETERS(size_t count, size_t bytes);
void *EXPANDED_WRAP(HEAPSOAK_ALIGNED_NAME) PARAMETERS(size_t alignment, size_t bytes);

void *WRAP(malloc) PARAMETERS(size_t bytes)
{
  enter();
  void *block = REAL(malloc) ARGUMENTS(bytes);
  leave();
  hs_allocated(block, bytes, HEAPSOAK_SITE());
  HEAPSOAK_UNLOCK();
  return block;
}

void WRAP(free) PARAMETERS(void *block)
{
  enter();
  REAL(free) ARGUMENTS(block);
  leave();
  hs_released(block, HEAPSOAK_SITE());
  HEAPSOAK_UNLOCK();
}

void *WRAP(realloc) PARAMETERS(void *block, size_t bytes)
{
  enter();
  void *result = REAL(realloc) ARGUMENTS(block, bytes);
  leave();
  hs_reallocated(block, bytes, result, HEAPSOAK_SITE());
  HEAPSOAK_UNLOCK();
  return result;
}

void *WRAP(calloc) PARAMETERS(size_t count, size_t bytes)
{
  enter();
  void *block = REAL(calloc) ARGUMENTS(count, bytes);
  leave();
  hs_allocated(block, product(block, count, bytes), HEAPSOAK_SITE());
  HEAPSOAK_UNLOCK();
  return block;
}

void *EXPANDED_WRAP(HEAPSOAK_ALIGNED_NAME) PARAMETERS(size_t alignment, size_t bytes)
{
  enter();
  void *block = EXPANDED_REAL(HEAPSOAK_ALIGNED_NAME) ARGUMENTS(alignment, bytes);
  leave();
  hs_allocated_aligned(block, alignment, bytes, HEAPSOAK_SITE());
  HEAPSOAK_UNLOCK();
  return block;
}
#endif

/* ---- What the agent says of itself ---- */

static uint32_t length_of(const char *text, uint32_t most)
{
  uint32_t length = 0;
  while (length < most && text[length] != 0) length++;
  return length;
}

static void put_name(struct frame *frame, const char *name)
{
  put_text(frame, name, length_of(name, HEAPSOAK_NAME_BYTES));
  put8(frame, 0);
}

static const char *allocator_name(void)
{
  if (state.config->allocator != NULL) return state.config->allocator;
#if NEWLIB_IS_KNOWN
  if (&__malloc_free_list != NULL) return "newlib-nano";
  if (&__malloc_av_ != NULL) return "newlib";
#endif
  return "";
}

static const char *allocator_version(void)
{
  if (state.config->allocator_version != NULL) return state.config->allocator_version;
#if NEWLIB_IS_KNOWN
  return _NEWLIB_VERSION;
#else
  return "";
#endif
}

static uint32_t allocator_state(void)
{
#if NEWLIB_IS_KNOWN
  return address_of(&__malloc_av_); /* 0 where there is none */
#else
  return 0;
#endif
}

/* The build id of the linker's note: words for the lengths of its name and its id, its type, the name, the id. */
static uint32_t note_bytes(void)
{
  uint32_t words[3];
  memcpy(words, state.config->build_note, sizeof words);
  if (words[0] != 4 || words[2] != 3) return 0; /* linked without --build-id: something else stands there */
  return words[1] < HEAPSOAK_NAME_BYTES / 2 ? words[1] : HEAPSOAK_NAME_BYTES / 2;
}

static uint32_t build_id_length(void)
{
  if (state.config->build_id != NULL) return length_of(state.config->build_id, HEAPSOAK_NAME_BYTES);
  return state.config->build_note != NULL ? 2 * note_bytes() : 0;
}

static void put_build_id(struct frame *frame)
{
  if (state.config->build_id != NULL) {
    put_text(frame, state.config->build_id, build_id_length());
  } else {
    const uint8_t *id = (const uint8_t *)state.config->build_note + 16;
    for (uint32_t i = 0; i < build_id_length(); i++) {
      put8(frame, (uint8_t)"0123456789abcdef"[(i & 1 ? id[i / 2] : id[i / 2] >> 4) & 15]);
    }
  }
  put8(frame, 0);
}

static bool cycles_count(void)
{
#if HEAPSOAK_COMMANDS
  return state.cycles_count != 0;
#else
  return false;
#endif
}

static bool send_identity(enum hs_frame_type type)
{
  const struct hs_config *config = state.config;
  struct frame frame;
  uint32_t names = length_of(config->board, HEAPSOAK_NAME_BYTES) + build_id_length()
                   + length_of(allocator_name(), HEAPSOAK_NAME_BYTES)
                   + length_of(allocator_version(), HEAPSOAK_NAME_BYTES) + 4;
  if (!open_frame(&frame, type, 39 + names, WAITING)) return false;
  put32(&frame, state.nonce);
  put32(&frame, frame.time);
  put32(&frame, config->clock_hz);
  put32(&frame, cycles_count() ? config->cycle_hz : 0);
  put32(&frame, address_of(config->heap.low));
  put32(&frame, bytes_of(config->heap));
  put32(&frame, allocator_state());
  put32(&frame, frame.captured);
  put32(&frame, ring_bytes());
  put16(&frame, HEAPSOAK_COMMANDS ? HEAPSOAK_COMMAND_BYTES : 0);
  put8(&frame, config->size_meaning);
  put_name(&frame, config->board);
  put_build_id(&frame);
  put_name(&frame, allocator_name());
  put_name(&frame, allocator_version());
  close_frame(&frame);
  if (config->announce != NULL) config->announce();
  return true;
}

static bool send_heartbeat(void)
{
  struct frame frame;
  if (!open_frame(&frame, HS_FRAME_HEARTBEAT, 20, WAITING)) return false;
  put32(&frame, state.nonce);
  put32(&frame, frame.time);
  put32(&frame, frame.number);
  put32(&frame, frame.captured);
  put32(&frame, frame.dropped);
  close_frame(&frame);
  return true;
}

void hs_log(const char *text)
{
  struct frame frame;
  uint32_t length = length_of(text, HEAPSOAK_LOG_BYTES);
  if (!open_frame(&frame, HS_FRAME_LOG, 4 + length, NEWS)) return;
  put32(&frame, frame.time);
  put_text(&frame, text, length);
  close_frame(&frame);
}

void hs_name_task(uint16_t task, const char *name)
{
  struct frame frame;
  uint32_t length = length_of(name, HEAPSOAK_NAME_BYTES);
  if (!open_frame(&frame, HS_FRAME_TASK, 2 + length, NEWS)) return;
  put16(&frame, task);
  put_text(&frame, name, length);
  close_frame(&frame);
}

void hs_stack(uint16_t task, uint32_t bytes, uint32_t unused_bytes)
{
  struct frame frame;
  if (!open_frame(&frame, HS_FRAME_STACK, 14, NEWS)) return;
  put32(&frame, frame.time);
  put16(&frame, task);
  put32(&frame, bytes);
  put32(&frame, unused_bytes);
  close_frame(&frame);
}

uint32_t hs_stack_unused(const void *low, uint32_t bytes)
{
  const volatile uint8_t *stack = low;
  uint32_t unused = 0;
  while (unused < bytes && stack[unused] == HEAPSOAK_STACK_PAINT) unused++;
  return unused;
}

/* ---- The allocator's own figures and variables ---- */

#if NEWLIB_IS_KNOWN
static size_t newlib_figures(struct hs_figure *figures)
{
  struct mallinfo info = _mallinfo_r(_REENT);
  figures[0] = (struct hs_figure){HS_FIGURE_FREE, (uint32_t)info.fordblks};
  figures[1] = (struct hs_figure){HS_FIGURE_USED, (uint32_t)info.uordblks};
  figures[2] = (struct hs_figure){HS_FIGURE_ARENA, (uint32_t)info.arena};
  if (&__malloc_av_ == NULL) return 3;
  figures[3] = (struct hs_figure){HS_FIGURE_FREE_BLOCKS, (uint32_t)info.ordblks};
  figures[4] = (struct hs_figure){HS_FIGURE_TOP, (uint32_t)info.keepcost};
  return 5;
}
#endif

static bool has_figures(void)
{
  return state.config->figures != NULL || NEWLIB_IS_KNOWN;
}

static size_t figures_of_allocator(struct hs_figure *figures)
{
#if NEWLIB_IS_KNOWN
  if (state.config->figures == NULL) return newlib_figures(figures);
#endif
  return state.config->figures(figures, FIGURES_MOST);
}

static bool send_statistics(enum urgency urgency)
{
  struct hs_figure figures[FIGURES_MOST];
  struct frame frame;
  HEAPSOAK_LOCK();
  size_t count = figures_of_allocator(figures);
  bool opened = open_frame(&frame, HS_FRAME_STATISTICS, 4 + 5 * (uint32_t)count, urgency);
  HEAPSOAK_UNLOCK(); /* now: the figures have their place among the events */
  if (!opened) return false;
  put32(&frame, frame.time);
  for (size_t i = 0; i < count; i++) {
    put8(&frame, figures[i].key);
    put32(&frame, figures[i].value);
  }
  close_frame(&frame);
  return true;
}

void hs_statistics(void)
{
  if (state.config != NULL && has_figures()) (void)send_statistics(NEWS);
}

#if HEAPSOAK_COMMANDS
/* ---- Commands: from bytes of the line to a frame ---- */

static uint32_t get16(const uint8_t *bytes)
{
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
}

static uint32_t get32(const uint8_t *bytes)
{
  return get16(bytes) | get16(bytes + 2) << 16;
}

static void listen(void)
{
  state.length = 0;
  state.check = 0xffff;
  state.run_left = 0;
  state.zero_due = 0;
  state.storing = 0;
  state.reception = LISTENING;
}

/* The head of a batch is whole. Results of the last one are given up only for a batch that can follow it. */
static bool admits_batch(void)
{
  uint32_t batch = get16(state.command + 3), count = state.command[5], reserved = get16(state.command + 6);
  return batch != 0 && batch != state.batch && reserved == 0
         && count * HS_OPERATION_BYTES + 2 <= HEAPSOAK_COMMAND_BYTES;
}

static void store(uint8_t byte)
{
  bool batch = state.command[0] == (HS_PROTOCOL_VERSION << 5 | HS_FRAME_BATCH);
  uint32_t at = state.length;
  if (at == BATCH_HEAD_BYTES && batch && admits_batch()) {
    state.storing = 1;
    state.results_kept = 0;
  }
  if (at < BATCH_HEAD_BYTES || (!batch && at < COMMAND_HEAD_BYTES)) {
    state.command[at] = byte;
  } else if (state.storing && at - BATCH_HEAD_BYTES < HEAPSOAK_COMMAND_BYTES) {
    state.config->buffer[at - BATCH_HEAD_BYTES] = byte;
  }
}

static void take(uint8_t byte)
{
  if (state.length >= 2) state.check = crc16(state.check, state.last[0]);
  state.last[0] = state.last[1];
  state.last[1] = byte;
  store(byte);
  if (++state.length >= HS_FRAME_BYTES_MOST) state.deaf = 1;
}

static bool frame_is_whole(void)
{
  return !state.deaf && state.run_left == 0 && state.length >= HS_FRAME_HEADER_BYTES + 2
         && state.check == get16(state.last) && state.command[0] >> 5 == HS_PROTOCOL_VERSION
         && (state.command[0] & 31) >= HS_FRAME_HELLO; /* what an echo brings back must not be answered */
}

void hs_receive(uint8_t byte)
{
  if (state.config == NULL) return;
  if (state.reception != LISTENING) {
    state.deaf = byte != 0; /* the rest of this frame must not pass for one */
  } else if (byte == 0) {
    bool delivered = frame_is_whole();
    state.deaf = 0;
    publish();
    if (delivered) state.reception = DELIVERED;
    else listen();
  } else if (!state.deaf && state.run_left > 0) {
    state.run_left--;
    take(byte);
  } else if (!state.deaf) {
    if (state.zero_due) take(0);
    state.run_left = (uint8_t)(byte - 1);
    state.zero_due = byte != 255;
  }
}

/* ---- Commands: carrying them out ---- */

#if !defined(HEAPSOAK_WRAP_NONE)
#if WRAP_NEWLIB
#define CALL(...) (_REENT, __VA_ARGS__)
#else
#define CALL(...) (__VA_ARGS__)
#endif

static void *library_allocate(size_t bytes)
{
  return REAL(malloc) CALL(bytes);
}

static void *library_allocate_aligned(size_t alignment, size_t bytes)
{
  return EXPANDED_REAL(HEAPSOAK_ALIGNED_NAME) CALL(alignment, bytes);
}

static void *library_reallocate(void *block, size_t bytes)
{
  return REAL(realloc) CALL(block, bytes);
}

static void library_release(void *block)
{
  REAL(free) CALL(block);
}
#endif

static const struct hs_allocator *operations(void)
{
#ifdef HEAPSOAK_WRAP_NONE
  static const struct hs_allocator library = {NULL, NULL, NULL, NULL};
#else
  static const struct hs_allocator library = {
    library_allocate, library_allocate_aligned, library_reallocate, library_release
  };
#endif
  return state.config->operations != NULL ? state.config->operations : &library;
}

struct operation {
  uint8_t verb, reference, log2_alignment;
  uint32_t block, request_bytes;
};

static struct operation operation_at(uint32_t index)
{
  const uint8_t *bytes = state.config->buffer + index * HS_OPERATION_BYTES;
  return (struct operation){bytes[0], bytes[1], bytes[2], get32(bytes + 4), get32(bytes + 8)};
}

/* 0, or why the operation cannot be carried out. */
static uint8_t objection_to(struct operation operation, uint32_t index)
{
  const struct hs_allocator *can = operations();
  if (operation.verb > HS_VERB_RELEASE || operation.reference > 1 || operation.log2_alignment > 31) {
    return HS_REFUSAL_UNKNOWN;
  }
  if (operation.reference && operation.block >= index) return HS_REFUSAL_UNKNOWN;
  bool supported = operation.verb == HS_VERB_ALLOCATE           ? can->allocate != NULL
                   : operation.verb == HS_VERB_ALLOCATE_ALIGNED ? can->allocate_aligned != NULL
                   : operation.verb == HS_VERB_REALLOCATE       ? can->reallocate != NULL
                                                                : can->release != NULL;
  return supported ? 0 : HS_REFUSAL_UNSUPPORTED;
}

static void *carry_out(struct operation operation)
{
  const struct hs_allocator *can = operations();
  void *block = (void *)(uintptr_t)operation.block;
  switch (operation.verb) {
  case HS_VERB_ALLOCATE: return can->allocate(operation.request_bytes);
  case HS_VERB_ALLOCATE_ALIGNED:
    return can->allocate_aligned((size_t)1 << operation.log2_alignment, operation.request_bytes);
  case HS_VERB_REALLOCATE: return can->reallocate(block, operation.request_bytes);
  default: can->release(block); return NULL;
  }
}

static void count_captured(void)
{
  uint32_t saved = HEAPSOAK_MASK();
  state.captured++;
  HEAPSOAK_UNMASK(saved);
}

/* Results take the place of operations that are done: 8 bytes of each 12. Interrupts stay on. */
static void run_batch(uint32_t count)
{
  uint8_t *buffer = state.config->buffer;
  for (uint32_t index = 0; index < count; index++) {
    struct operation operation = operation_at(index);
    if (operation.reference) operation.block = get32(buffer + operation.block * HS_RESULT_BYTES);
    enter();
    uint32_t before = HEAPSOAK_CYCLES();
    void *result = carry_out(operation);
    uint32_t cycles = HEAPSOAK_CYCLES() - before;
    leave();
    count_captured();
    HEAPSOAK_UNLOCK();
    uint8_t *at = set32(buffer + index * HS_RESULT_BYTES, address_of(result));
    (void)set32(at, state.cycles_count ? cycles : 0);
  }
}

/* The answer to the command is a refusal. */
static uint8_t refuse(enum hs_refusal reason)
{
  state.command[1] = (uint8_t)reason;
  return HS_FRAME_REFUSAL;
}

static uint32_t results_payload_bytes(uint32_t count)
{
  return 2 + count * HS_RESULT_BYTES;
}

static uint8_t obey_batch(void)
{
  uint32_t batch = get16(state.command + 3), count = state.command[5];
  if (batch == state.batch && batch != 0) {
    return state.results_kept ? HS_FRAME_RESULTS : refuse(HS_REFUSAL_RESULTS_LOST);
  }
  if (state.length != BATCH_HEAD_BYTES + count * HS_OPERATION_BYTES + 2) return refuse(HS_REFUSAL_UNKNOWN);
  uint32_t answer_bytes = HS_FRAME_HEADER_BYTES + results_payload_bytes(count) + 2;
  if (!state.storing) return refuse(batch == 0 ? HS_REFUSAL_UNKNOWN : HS_REFUSAL_TOO_LARGE);
  if (line_bytes(answer_bytes) > ring_bytes() - 1) return refuse(HS_REFUSAL_TOO_LARGE);
  for (uint32_t index = 0; index < count; index++) {
    uint8_t objection = objection_to(operation_at(index), index);
    if (objection != 0) return refuse((enum hs_refusal)objection);
  }
  run_batch(count);
  state.batch = (uint16_t)batch;
  state.results = (uint8_t)count;
  state.results_kept = 1;
  return HS_FRAME_RESULTS;
}

static uint8_t obey_repeat(void)
{
  if (state.batch == 0 || get16(state.command + 3) != state.batch) return refuse(HS_REFUSAL_BATCH_UNKNOWN);
  return state.results_kept ? HS_FRAME_RESULTS : refuse(HS_REFUSAL_RESULTS_LOST);
}

static bool covers(struct hs_range range, uint32_t address, uint32_t bytes)
{
  uint32_t offset = address - address_of(range.low), size = bytes_of(range);
  return address >= address_of(range.low) && offset <= size && bytes <= size - offset;
}

static uint8_t obey_read_memory(void)
{
  uint32_t address = get32(state.command + 3), bytes = get32(state.command + 7);
  bool readable = covers(state.config->heap, address, bytes) || covers(state.config->ram, address, bytes);
  return readable ? HS_FRAME_MEMORY : refuse(HS_REFUSAL_OUT_OF_RANGE);
}

static uint8_t obey_restart(void)
{
  if (state.config->restart != NULL) state.config->restart();
#if CORTEX_M
  REGISTER(0xE000ED0Cu) = 0x05FA0004u; /* AIRCR.SYSRESETREQ, with its key */
  __asm__ volatile("dsb" ::: "memory");
  for (volatile uint32_t left = 100000; left > 0; left--) {} /* the reset takes a while; here none has come */
#endif
  return refuse(HS_REFUSAL_UNSUPPORTED);
}

/* Carries out what has arrived and returns the type of the frame that answers it. */
static uint8_t obey(void)
{
  static const struct {
    uint8_t type, payload_bytes;
  } commands[] = {
    {HS_FRAME_HELLO, 0},           {HS_FRAME_REPEAT_RESULTS, 2}, {HS_FRAME_READ_MEMORY, 8},
    {HS_FRAME_READ_STATISTICS, 0}, {HS_FRAME_READ_STATICS, 0},   {HS_FRAME_RESTART, 0},
  };
  uint8_t type = state.command[0] & 31;
  if (type == HS_FRAME_BATCH) return obey_batch();
  size_t known = 0;
  while (known < sizeof commands / sizeof commands[0] && commands[known].type != type) known++;
  if (known == sizeof commands / sizeof commands[0]
      || state.length != HS_FRAME_HEADER_BYTES + commands[known].payload_bytes + 2) {
    return refuse(HS_REFUSAL_UNKNOWN);
  }
  switch (type) {
  case HS_FRAME_REPEAT_RESULTS: return obey_repeat();
  case HS_FRAME_READ_MEMORY: return obey_read_memory();
  case HS_FRAME_READ_STATISTICS: return has_figures() ? HS_FRAME_STATISTICS : refuse(HS_REFUSAL_UNSUPPORTED);
  case HS_FRAME_READ_STATICS: return HS_FRAME_STATICS;
  case HS_FRAME_RESTART: return obey_restart();
  default: return HS_FRAME_IDENTITY;
  }
}

/* ---- Commands: answering. True when the answer is in the ring, all of it. ---- */

static bool send_results(void)
{
  struct frame frame;
  if (!open_frame(&frame, HS_FRAME_RESULTS, results_payload_bytes(state.results), WAITING)) return false;
  put16(&frame, state.batch);
  put_bytes(&frame, state.config->buffer, (uint32_t)state.results * HS_RESULT_BYTES);
  close_frame(&frame);
  return true;
}

static bool send_refusal(void)
{
  struct frame frame;
  if (!open_frame(&frame, HS_FRAME_REFUSAL, 2, WAITING)) return false;
  put8(&frame, state.command[0] & 31);
  put8(&frame, state.command[1]);
  close_frame(&frame);
  return true;
}

/* One frame at a call. What is left of the range is noted in the command itself. */
static bool send_memory(void)
{
  struct frame frame;
  uint32_t address = get32(state.command + 3), left = get32(state.command + 7);
  uint32_t bytes = left < MEMORY_BYTES_MOST ? left : MEMORY_BYTES_MOST;
  if (!open_frame(&frame, HS_FRAME_MEMORY, 4 + bytes, WAITING)) return false;
  put32(&frame, address);
  put_bytes(&frame, (const volatile uint8_t *)(uintptr_t)address, bytes);
  close_frame(&frame);
  (void)set32(set32(state.command + 3, address + bytes), left - bytes);
  return left == bytes;
}

static size_t statics_of_allocator(uint32_t *words)
{
  if (state.config->statics != NULL) return state.config->statics(words, STATICS_MOST);
#if NEWLIB_IS_KNOWN
  words[0] = address_of(_sbrk_r(_REENT, 0));
  if (&__malloc_free_list == NULL) return 1;
  words[1] = address_of(__malloc_free_list);
  words[2] = address_of(__malloc_sbrk_start);
  return 3;
#else
  return 0;
#endif
}

static bool send_statics(void)
{
  uint32_t words[STATICS_MOST];
  struct frame frame;
  HEAPSOAK_LOCK();
  size_t count = statics_of_allocator(words);
  bool opened = open_frame(&frame, HS_FRAME_STATICS, 4 * (uint32_t)count, WAITING);
  HEAPSOAK_UNLOCK();
  if (!opened) return false;
  for (size_t i = 0; i < count; i++) put32(&frame, words[i]);
  close_frame(&frame);
  return true;
}

static bool send_answer(void)
{
  switch (state.answer) {
  case HS_FRAME_RESULTS: return send_results();
  case HS_FRAME_MEMORY: return send_memory();
  case HS_FRAME_STATISTICS: return send_statistics(WAITING);
  case HS_FRAME_STATICS: return send_statics();
  case HS_FRAME_IDENTITY: return send_identity(HS_FRAME_IDENTITY);
  default: return send_refusal();
  }
}

/* True when no command is left. */
static bool serve_command(void)
{
  if (state.reception == DELIVERED) {
    publish();
    state.answer = obey();
    state.reception = ANSWERING;
  }
  if (state.reception == ANSWERING) {
    if (!send_answer()) return false;
    uint32_t saved = HEAPSOAK_MASK();
    listen();
    HEAPSOAK_UNMASK(saved);
  }
  return true;
}
#endif

/* ---- Start and poll ---- */

/* A clock that the user puts together from parts may rely on the mask. */
static uint32_t masked_clock(void)
{
  uint32_t saved = HEAPSOAK_MASK();
  uint32_t now = hs_clock();
  HEAPSOAK_UNMASK(saved);
  return now;
}

static bool describes_enough(const struct hs_config *config)
{
  return config != NULL && config->board != NULL && config->buffer != NULL
         && config->buffer_bytes >= HEAPSOAK_BUFFER_BYTES_LEAST && config->clock_hz >= HS_HEARTBEAT_MS;
}

bool hs_start(const struct hs_config *config, uint32_t nonce)
{
  if (!describes_enough(config)) return false;
  uint32_t captured = state.captured;
  memset(&state, 0, sizeof state);
  state.captured = captured;
  state.nonce = nonce;
  state.beat_at = masked_clock();
#if HEAPSOAK_COMMANDS
  state.cycles_count = config->cycle_hz != 0 && start_cycles();
  listen();
#endif
  /* What a reset has cut off must not run into the first frame. Before anybody else may write. */
  ring_of(config)[0] = 0;
  state.head = state.reserved = 1;
  state.config = config;
  /* Boot says that nothing has been missed. What was captured before the start has not been sent. */
  return send_identity(captured == 0 ? HS_FRAME_BOOT : HS_FRAME_IDENTITY);
}

static void note_time(void)
{
  uint32_t period = state.config->clock_hz / 1000 * HS_HEARTBEAT_MS, now = masked_clock();
  if (now - state.beat_at < period) return;
  state.beat_at += period;
  if (now - state.beat_at >= period) state.beat_at = now; /* polled too late: no beats in a row */
  state.due |= DUE_HEARTBEAT;
  if (++state.beats >= HS_HEARTBEATS_PER_IDENTITY) {
    state.beats = 0;
    state.due |= DUE_IDENTITY;
  }
}

/* True when nothing is due any more. */
static bool send_due(void)
{
  if ((state.due & DUE_HEARTBEAT) && !send_heartbeat()) return false;
  state.due &= (uint8_t)~DUE_HEARTBEAT;
  if ((state.due & DUE_IDENTITY) && !send_identity(HS_FRAME_IDENTITY)) return false;
  state.due &= (uint8_t)~DUE_IDENTITY;
  return true;
}

void hs_poll(void)
{
  if (state.config == NULL) return;
  drain();
  note_time();
#if HEAPSOAK_COMMANDS
  if (send_due()) (void)serve_command();
#else
  (void)send_due();
#endif
  drain();
}

bool hs_busy(void)
{
#if HEAPSOAK_COMMANDS
  if (state.reception != LISTENING) return true;
#endif
  return state.due != 0 || state.tail != state.head;
}
