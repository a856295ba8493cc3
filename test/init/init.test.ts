import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HeapsoakError } from "../../src/errors.ts";
import { type InitRequest, initScenario } from "../../src/init/init.ts";
import { parseScenario } from "../../src/scenario/load.ts";
import { code, type Firmware, FLASH, firmware, HEAP4, LINK_MAP, label, object, RAM, textFile } from "./firmware.ts";

/** The result for a program on a device of 128 KiB, unless the request says otherwise. */
async function init(program: Firmware | undefined, request: Partial<InitRequest> = {}) {
  const elf = program && firmware(program);
  const result = await initScenario({ out: "app.yaml", device: "stm32f407vg", ...(elf && { elf }), ...request });
  return { ...result, scenario: await parseScenario(result.text, "app.yaml") };
}

const withoutDevice = (elf: Firmware | undefined, request: Partial<InitRequest>) =>
  initScenario({ out: "app.yaml", ...(elf && { elf: firmware(elf) }), ...request });

describe("the allocator is known by its symbols", () => {
  const POOL = object("pool", 0x800, 0x1000);
  const BOUNDS = [
    label("_end", RAM + 0x4000),
    label("_estack", RAM + 0x5000),
    { ...label("_Min_Stack_Size", 0x400), section: 0xfff1 },
  ];
  test.each([
    ["freertos-heap1", [code("pvPortMalloc"), object("ucHeap", 0x800, 0x1000), object("xNextFreeByte", 0, 4)]],
    [
      "freertos-heap2",
      [code("pvPortMalloc"), object("ucHeap", 0x800, 0x1000), object("xHeapHasBeenInitialised.0", 0, 4)],
    ],
    ["freertos-heap4", HEAP4],
    ["newlib", [code("_malloc_r"), object("__malloc_av_", 0, 0x408), ...BOUNDS]],
    ["newlib-nano", [code("_malloc_r"), object("__malloc_free_list", 0, 4), ...BOUNDS]],
    ["picolibc", [code("malloc"), object("__malloc_free_list", 0, 4), object("__malloc_sbrk_top", 4, 4), ...BOUNDS]],
    ["tlsf", [code("tlsf_malloc"), code("tlsf_create"), object("tlsf_pool", 0x800, 0x2000)]],
    [
      "tlsf-esp",
      [
        code("multi_heap_malloc"),
        code("tlsf_malloc"),
        code("pvPortMalloc"),
        label("_heap_start", RAM + 0x4000),
        label("_heap_end", RAM + 0x8000),
      ],
    ],
    ["umm-bestfit", [code("umm_malloc"), object("umm_heap", 0x800, 0x1000)]],
    ["o1heap", [code("o1heapAllocate"), object("heap_arena", 0x800, 0x1000)]],
    ["zephyr-sys-heap", [code("sys_heap_alloc"), object("kheap__system_heap", 0x800, 0x1000)]],
    ["threadx-byte", [code("_tx_byte_allocate"), object("tx_byte_pool_buffer", 0x800, 0x1000)]],
    ["lwmem", [code("lwmem_malloc_ex"), object("lwmem_memory", 0x800, 0x1000)]],
    ["micropython-gc", [code("gc_init"), code("gc_alloc"), object("gc_heap", 0x800, 0x1000)]],
    [
      "rust-linked-list-allocator",
      [
        code("_ZN21linked_list_allocator4Heap4init17h0123456789abcdefE"),
        object("_ZN3app8HEAP_MEM17h0123456789abcdefE", 0x800, 0x1000),
      ],
    ],
  ])("%s", async (allocator, symbols) => {
    const { scenario, text } = await init({ symbols });
    expect(scenario.heaps.map((heap) => heap.allocator)).toEqual([allocator]);
    const array = symbols.find(({ bytes = 0 }) => bytes >= 0x1000);
    const [part] = scenario.heaps[0]?.parts ?? [];
    expect(part).toMatchObject(array ? { bytes: array.bytes, at: array.value } : { at: RAM + 0x4000 });
    expect(text).toMatch(/ {4}allocator: \S+ {2}# symbol \S+ of app\.elf/);
  });

  test("freertos-heap5, whose regions no symbol shows, is left to be filled in", async () => {
    const { scenario, record } = await init({ symbols: [code("pvPortMalloc"), code("vPortDefineHeapRegions"), POOL] });
    expect(scenario.heaps).toEqual([]);
    expect(record.missing).toContain(
      "the place of freertos-heap5's heap: --heap SIZE or --heap ADDRESS:SIZE gives it.",
    );
  });

  test("heap_3 is the C library's, and told", async () => {
    const { scenario, record } = await init({
      symbols: [code("pvPortMalloc"), code("malloc"), code("_malloc_r"), object("__malloc_free_list", 0, 4), ...BOUNDS],
    });
    expect(scenario.heaps.map(({ allocator }) => allocator)).toEqual(["newlib-nano"]);
    expect(record.notes.join()).toContain("heap_3");
  });

  test("FreeRTOS's heap and the C library's beside it are two heaps", async () => {
    const { scenario } = await init({
      symbols: [...HEAP4, code("_malloc_r"), object("__malloc_free_list", 0, 4), ...BOUNDS],
    });
    expect(scenario.heaps.map(({ name, allocator }) => [name, allocator])).toEqual([
      ["main", "freertos-heap4"],
      ["libc", "newlib-nano"],
    ]);
  });

  test("several heaps of Zephyr are told apart by their names", async () => {
    const { scenario } = await init({
      symbols: [
        code("sys_heap_alloc"),
        object("kheap__system_heap", 0x400, 0x800),
        object("z_malloc_heap_mem", 0x1000, 0x400),
      ],
    });
    expect(scenario.heaps.map(({ name, parts }) => [name, parts[0]?.bytes])).toEqual([
      ["system-heap", 0x800],
      ["z-malloc-heap-mem", 0x400],
    ]);
  });

  test("an allocator of one's own is refused, with the names there are", async () => {
    const refusal = init({ symbols: [code("malloc"), object("my_pool", 0, 0x1000)] });
    await expect(refusal).rejects.toMatchObject({ code: "bad-argument", hint: expect.stringContaining("tlsf-esp") });
  });
});

describe("the static data", () => {
  test("is the image without heap, stacks and the allocator's variables", async () => {
    const { scenario } = await init({ symbols: [...HEAP4, object("uxIdleTaskStack", 0x3000, 0x200)] });
    const stateBytes = 32; // 28 B of freertos-heap4 before the heap, from a multiple of 8 on
    expect(scenario.staticUse).toEqual([{ bank: "SRAM", bytes: 0x4000 - 0x2000 - 0x200 - stateBytes }]);
  });
});

describe("the configuration", () => {
  const CONFIG =
    "#define configTOTAL_HEAP_SIZE ((size_t)(10 * 1024))\n#define configMINIMAL_STACK_SIZE 128\n#define configCHECK_FOR_STACK_OVERFLOW 2\n";

  test("that contradicts the program gives way, and it is told", async () => {
    const { scenario, record } = await init({ symbols: HEAP4 }, { configs: [textFile("FreeRTOSConfig.h", CONFIG)] });
    expect(scenario.heaps[0]?.parts[0]?.bytes).toBe(0x2000);
    expect(record.notes.join()).toContain(
      "8192 B (symbol ucHeap of app.elf), and 10240 B by configTOTAL_HEAP_SIZE, FreeRTOSConfig.h:1",
    );
  });

  test("alone needs the device and the allocator", async () => {
    const configs = [textFile("FreeRTOSConfig.h", CONFIG)];
    await expect(withoutDevice(undefined, { configs })).rejects.toThrow("Nothing shows which device");
    await expect(init(undefined, { configs })).rejects.toThrow("does not say which of FreeRTOS's heaps");
    const { scenario } = await init(undefined, { configs, allocator: "heap_4" });
    expect(scenario.heaps[0]).toMatchObject({ allocator: "freertos-heap4", parts: [{ bytes: 10240 }] });
    const idle = scenario.tasks.find(({ name }) => name === "IDLE");
    expect(idle?.stack).toMatchObject({ sizeBytes: 512, guards: [{ kind: "freertos-2" }] });
    expect(idle?.activation.kind).toBe("spawned");
  });

  test("of ESP-IDF names the device, the allocator and the stacks", async () => {
    const text =
      'CONFIG_IDF_TARGET="esp32c3"\nCONFIG_ESP_MAIN_TASK_STACK_SIZE=3584\nCONFIG_HEAP_POISONING_LIGHT=y\nCONFIG_FREERTOS_CHECK_STACKOVERFLOW_CANARY=y\n';
    const request = {
      configs: [textFile("sdkconfig", text)],
      heap: { low: undefined, bytes: 100 * 1024 },
      out: "app.yaml",
    };
    const { text: written } = await initScenario(request);
    const scenario = await parseScenario(written, "app.yaml");
    expect(scenario.device.id).toBe("esp32c3");
    expect(scenario.heaps[0]).toMatchObject({ allocator: "tlsf-esp", parts: [{ bytes: 102400 }] });
    expect(scenario.tasks.find(({ name }) => name === "main")?.stack.sizeBytes).toBe(3584);
    expect(written).toContain("CONFIG_HEAP_POISONING_LIGHT, sdkconfig:3");
  });

  test("of Zephyr gives heaps, options, stacks and guards", async () => {
    const text = `CONFIG_SOC="stm32f407xx"
CONFIG_HEAP_MEM_POOL_SIZE=4096
CONFIG_COMMON_LIBC_MALLOC_ARENA_SIZE=2048
CONFIG_SYS_HEAP_BIG_ONLY=y
CONFIG_SYS_HEAP_ALLOC_LOOPS=5
CONFIG_MAIN_STACK_SIZE=1024
CONFIG_ISR_STACK_SIZE=2048
CONFIG_MPU_STACK_GUARD=y
CONFIG_STACK_SENTINEL=y
`;
    const { scenario, record } = await init(undefined, { configs: [textFile(".config", text)] });
    expect(scenario.heaps.map(({ name, parts, options }) => [name, parts[0]?.bytes, options])).toEqual([
      ["system-heap", 4096, { bigHeap: 1, allocLoops: 5 }],
      ["libc", 2048, { bigHeap: 1, allocLoops: 5 }],
    ]);
    expect(scenario.interruptStack?.sizeBytes).toBe(2048);
    const main = scenario.tasks.find(({ name }) => name === "main");
    expect(main?.stack.guards.map(({ kind }) => kind)).toEqual(["zephyr-sentinel", "mpu"]);
    expect(record.found.map(({ source }) => source)).toContain("CONFIG_ISR_STACK_SIZE, .config:7");
  });
});

describe("tasks", () => {
  test("of Zephyr's table have their stacks, priorities and names", async () => {
    const table = [RAM + 0x3800, RAM + 0x3000, 0x400, FLASH + 0x41, 0, 0, 0, -2 >>> 0, 0];
    const symbols = [
      code("blink", 0x40),
      code("z_thread_entry", 0x60),
      { name: "_k_thread_data_blinker", value: FLASH + 0x100, bytes: 36, kind: 1, section: 1 },
      object("_k_thread_stack_blinker", 0x3000, 0x400),
      object("z_interrupt_stacks", 0x2000, 0x800),
      object("z_main_stack", 0x2800, 0x400),
    ];
    const { scenario } = await init({ symbols, constants: table });
    expect(scenario.interruptStack).toMatchObject({ sizeBytes: 0x800, at: RAM + 0x2000 });
    expect(scenario.tasks.map(({ name, priority, stack }) => [name, priority, stack.sizeBytes, stack.at])).toEqual([
      ["blinker", 130, 0x400, RAM + 0x3000],
      ["main", 1, 0x400, RAM + 0x2800],
    ]);
  });

  test("of CMSIS-RTOS2 have the stack and priority of their attributes", async () => {
    const name = Buffer.from("default\0");
    const attributes = [FLASH + 0x124, 0, 0, 0, 0, 512, 24, 0, 0, name.readUInt32LE(0), name.readUInt32LE(4)];
    const symbols = [
      ...HEAP4,
      code("osThreadNew", 0x50),
      { name: "defaultTask_attributes", value: FLASH + 0x100, bytes: 36, kind: 1, section: 1 },
    ];
    const { scenario } = await init({ symbols, constants: attributes });
    const task = scenario.tasks.find((candidate) => candidate.name === "default");
    expect(task).toMatchObject({ priority: 24, stack: { sizeBytes: 512 }, activation: { kind: "spawned" } });
  });

  test("are not made up of arrays that merely mention a stack", async () => {
    const symbols = [
      ...HEAP4,
      object("stack_statistics", 0x3000, 0x200),
      object("lwip_stack_context", 0x3400, 0x80),
      object("pxStackTop", 0x3600, 4),
    ];
    const { scenario } = await init({ symbols });
    expect(scenario.tasks.map(({ name }) => name)).toEqual(["fill-in"]);
  });

  test("have the 8-aligned part of their arrays", async () => {
    const { scenario } = await init({ symbols: [...HEAP4, object("xTimerStack", 0x3004, 0x100)] });
    expect(scenario.tasks[0]?.stack).toMatchObject({ sizeBytes: 0xf8, at: RAM + 0x3008 });
  });
});

describe("the device", () => {
  test("is inferred from the ELF file alone", async () => {
    const { text } = await withoutDevice({ symbols: [...HEAP4, label("_estack", RAM + 0x6000)] }, {});
    const scenario = await parseScenario(text, "app.yaml");
    expect(scenario.device.banks.map(({ name, low, bytes }) => [name, low, bytes])).toContainEqual([
      "RAM",
      RAM,
      0x6000,
    ]);
  });

  test("has the regions of the map, which alone is enough", async () => {
    const { text, record } = await withoutDevice(undefined, { map: textFile("app.map", LINK_MAP) });
    const scenario = await parseScenario(text, "app.yaml");
    expect(scenario.device.banks.map(({ name, bytes }) => [name, bytes])).toEqual([
      ["FLASH", 0x40000],
      ["RAM", 0x5000],
    ]);
    expect(scenario.heaps[0]).toMatchObject({
      allocator: "freertos-heap4",
      parts: [{ bytes: 0x2000, at: RAM + 0x20 }],
    });
    expect(record.notes.join()).toContain("Armv7E-M is assumed");
  });

  test("must be the one that the program is for", async () => {
    await expect(init({ symbols: HEAP4, machine: 83 })).rejects.toMatchObject({ code: "bad-elf" });
    await expect(init({ symbols: HEAP4 }, { device: "esp32c3" })).rejects.toMatchObject({ code: "bad-elf" });
  });

  test("that is too small for what was found is refused, and says what does not fit", async () => {
    const refusal = init(
      { symbols: [...HEAP4, object("ballast", 0x2100, 4)], bssBytes: 0x1f000 },
      { heap: { low: undefined, bytes: 64 * 1024 } },
    );
    await expect(refusal).rejects.toMatchObject({
      code: "does-not-fit",
      message: expect.stringContaining("does not fit into SRAM"),
    });
  });
});

test("a map of another build is told", async () => {
  const { record } = await init(
    { symbols: [code("pvPortMalloc"), object("ucHeap", 0x40, 0x2000), object("pxEnd", 0x10, 4)] },
    { map: textFile("app.map", LINK_MAP) },
  );
  expect(record.notes.join()).toContain("lie elsewhere in the map than in the ELF file");
});

test("without symbols the allocator must be named, and that nothing else is known is said", async () => {
  await expect(init({})).rejects.toMatchObject({
    message: expect.stringContaining("no symbols"),
    hint: expect.stringContaining("--allocator"),
  });
  const { scenario, record } = await init({}, { allocator: "heap_4", heap: { low: RAM + 0x100, bytes: 0x1000 } });
  expect(scenario.heaps[0]).toMatchObject({ allocator: "freertos-heap4", parts: [{ bytes: 0x1000, at: RAM + 0x100 }] });
  expect(record.missing.join()).toContain("symbols");
});

test("where heap and statics do not both keep their places, the heap gives way and it is told", async () => {
  const symbols = [code("pvPortMalloc"), object("ucHeap", 0x1000, 0x2000), object("pxEnd", 0x10, 4)];
  const { record } = await withoutDevice({ symbols }, {});
  expect(record.givenUp.join()).toContain("the heaps' addresses");
});

test("names that a terminal or YAML would obey stay text", async () => {
  const name = "evil\u001b[2J\n  - x: y # \u2028Stack";
  const { text, scenario } = await init(
    { symbols: [...HEAP4, object(`${name}_stack`, 0x3000, 0x100), object("a b:c_stack", 0x3200, 0x100)] },
    {
      configs: [textFile("F\u001b\n.h", "#define configCHECK_FOR_STACK_OVERFLOW 2\n")],
    },
  );
  expect(text).not.toMatch(/[^\P{Cc}\n]/u);
  expect(scenario.heaps).toHaveLength(1);
});

test("an ELF file that is cut or overwritten anywhere gives a valid scenario or a refusal", async () => {
  const { bytes } = firmware({
    symbols: [...HEAP4, object("uxIdleTaskStack", 0x3000, 0x200), label("_estack", RAM + 0x5000)],
  });
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length), fc.uint8Array({ maxLength: 6 }), fc.boolean(), async (at, patch, isCut) => {
      const changed = Uint8Array.from(isCut ? bytes.subarray(0, at) : bytes);
      if (!isCut) changed.set(patch.subarray(0, bytes.length - at), at);
      try {
        const { text } = await initScenario({
          out: "app.yaml",
          device: "stm32f407vg",
          elf: { name: "app.elf", bytes: changed },
        });
        await parseScenario(text, "app.yaml");
      } catch (error) {
        expect(error).toBeInstanceOf(HeapsoakError);
      }
    }),
    { numRuns: 40 },
  );
}, 30_000);

test("names made to keep a pattern busy take no time", async () => {
  const names = [
    `${".".repeat(200)}a`,
    `a${".0".repeat(200)}_`,
    `byte_pool${"_byte_pool".repeat(20)}`,
    "_stack".repeat(500),
  ];
  const symbols = names.map((name, index) => object(name, 0x3000 + index * 0x100, 0x80));
  const { scenario } = await init({ symbols: [...HEAP4, ...symbols] });
  expect(scenario.heaps).toHaveLength(1);
});
