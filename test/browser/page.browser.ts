import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { NamedRecord } from "../../src/report/report-record.ts";
import type { RunRecord } from "../../src/soak/record.ts";
import { accessibilityFaults, launch, type OpenPage, openPage, picture, print, scrollThrough } from "./chromium.ts";
import { mainThreadWork } from "./main-thread.ts";
import { outlineOf } from "./outline.ts";
import { KINDS, makeRecords } from "./records.ts";

/** What the page promises of a single task, and of a year's page as a whole, in milliseconds of the thread's own time. */
const TASK_MOST_MS = 100;
const YEAR_MOST_MS = 2000;

let browser: Browser;
let records: ReadonlyMap<string, NamedRecord>;

beforeAll(async () => {
  [browser, records] = await Promise.all([launch(), makeRecords()]);
}, 600_000);

afterAll(() => browser?.close());

function recordOf(name: string): NamedRecord {
  const record = records.get(name);
  if (!record) throw new Error(`No record is called ${name}.`);
  return record;
}

/** Opens a page, and holds what is true of any: no errors, no dialogs, no requests. */
async function using(
  name: string,
  of: readonly NamedRecord[],
  act: (opened: OpenPage) => Promise<void>,
  options: Parameters<typeof openPage>[3] = {},
): Promise<void> {
  const opened = await openPage(browser, name, of, options);
  try {
    await act(opened);
    expect(opened.misdeeds).toEqual([]);
  } finally {
    await opened.page.context().close();
  }
}

describe.each(KINDS)("the page of a record: %s", (name) => {
  test.each(["light", "dark"] as const)("is accessible, silent and seen whole in a %s scheme", async (colorScheme) => {
    const act = async ({ page }: OpenPage) => {
      await scrollThrough(page);
      expect(await accessibilityFaults(page)).toEqual([]);
      await picture(page, `${name}-${colorScheme}`);
    };
    await using(name, [recordOf(name)], act, { colorScheme });
  });

  test("has its outline", async () => {
    await using(name, [recordOf(name)], async ({ page }) => {
      await scrollThrough(page);
      await expect(await outlineOf(page)).toMatchFileSnapshot(`outlines/${name}.txt`);
    });
  });

  test("is no wider than a telephone", async () => {
    const act = async ({ page }: OpenPage) => {
      await scrollThrough(page);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(400);
      await picture(page, `${name}-narrow`);
    };
    await using(name, [recordOf(name)], act, { viewport: { width: 400, height: 800 } });
  });
});

describe("a heap over time", () => {
  const CANVAS = "figure.heap-history .heap-canvas";
  const DETAIL = "figure.heap-history .heap-detail";

  /** The picture of heap main, scrolled to, and how to point into it by shares of its size. */
  async function atPicture(page: Page) {
    await page.locator("figure.heap-history").first().scrollIntoViewIfNeeded();
    const canvas = page.locator(CANVAS).first();
    await canvas.scrollIntoViewIfNeeded();
    await page.waitForTimeout(100);
    const box = await canvas.boundingBox();
    if (!box) throw new Error("The picture is not shown.");
    const at = (x: number, y: number) => [box.x + x * box.width, box.y + y * box.height] as const;
    const settle = () =>
      page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    const detail = async (x: number, y: number) => {
      await page.mouse.move(...at(x, y));
      await settle();
      return page.locator(DETAIL).first().innerText();
    };
    const pixels = async () => {
      await settle();
      return canvas.evaluate((element) => (element as HTMLCanvasElement).toDataURL());
    };
    return { canvas, at, detail, pixels };
  }

  test("tells of the block under the pointer", async () => {
    await using("run", [recordOf("run")], async ({ page }) => {
      const { detail } = await atPicture(page);
      expect(await detail(0.5, 0.8)).toMatch(
        /^tasks\.connection.* · [\d,]+ B at 0x2000\w{4} · [\d,]+ B requested · allocated day \d+, [\d:.]+ · lived at least /,
      );
      expect(await detail(0.5, 0.1)).toMatch(/^No block · [\d,]+ B from 0x2000\w{4} · day 1\d, /);
      await picture(page, "hover", "figure.heap-history");
    });
  });

  test("tells the values at the pointer in every chart", async () => {
    await using("run", [recordOf("run")], async ({ page }) => {
      const { detail } = await atPicture(page);
      await page.locator(".chart-value").first().scrollIntoViewIfNeeded();
      await detail(0.5, 0.8);
      const values = await page.locator(".heap-charts").first().locator(".chart-value").allInnerTexts();
      expect(values).toHaveLength(7);
      for (const value of values) expect(value).toMatch(/\d/);
    });
  });

  test("is zoomed by dragging, and shown whole again by a double click", async () => {
    await using("run", [recordOf("run")], async ({ page }) => {
      const { at, detail, pixels } = await atPicture(page);
      const whole = await pixels();
      const before = await detail(0.2, 0.1);
      await page.mouse.move(...at(0.5, 0.5));
      await page.mouse.down();
      await page.mouse.move(...at(0.6, 0.5), { steps: 5 });
      await page.mouse.up();
      expect(await detail(0.2, 0.1)).not.toBe(before);
      expect(await pixels()).not.toBe(whole);
      await picture(page, "zoomed", "figure.heap-history");
      await page.mouse.dblclick(...at(0.5, 0.5));
      expect(await detail(0.2, 0.1)).toBe(before);
      expect(await pixels()).toBe(whole);
    });
  });

  test("leaves the wheel to the page until it has been clicked", async () => {
    await using("run", [recordOf("run")], async ({ page }) => {
      const { canvas, at, pixels } = await atPicture(page);
      const whole = await pixels();
      await page.mouse.move(...at(0.5, 0.5));
      await page.mouse.wheel(0, -10);
      expect(await pixels()).toBe(whole);
      await canvas.focus();
      await page.mouse.wheel(0, -400);
      expect(await pixels()).not.toBe(whole);
    });
  });

  test("is zoomed by two fingers", async () => {
    const act = async ({ page }: OpenPage) => {
      const { at, pixels } = await atPicture(page);
      const whole = await pixels();
      const session = await page.context().newCDPSession(page);
      const touch = (type: "touchStart" | "touchMove" | "touchEnd", ...shares: number[]) => {
        const touchPoints = shares.map((share, id) => ({ x: at(share, 0.5)[0], y: at(share, 0.5)[1], id }));
        return session.send("Input.dispatchTouchEvent", { type, touchPoints });
      };
      await touch("touchStart", 0.4, 0.6);
      for (const spread of [0.15, 0.2, 0.25]) await touch("touchMove", 0.5 - spread, 0.5 + spread);
      await touch("touchEnd");
      expect(await pixels()).not.toBe(whole);
    };
    await using("run", [recordOf("run")], act, { hasTouch: true });
  });

  test("is read and zoomed with the keyboard alone", async () => {
    await using("run", [recordOf("run")], async ({ page }) => {
      const { canvas, pixels } = await atPicture(page);
      const whole = await pixels();
      await canvas.focus();
      const detail = page.locator(DETAIL).first();
      const texts = [];
      for (const key of ["ArrowRight", "ArrowDown", "ArrowDown", "ArrowRight"]) {
        await page.keyboard.press(key);
        texts.push(await detail.innerText());
      }
      expect(texts[0]).toMatch(/ B (from|at) 0x/);
      expect(new Set(texts).size).toBeGreaterThanOrEqual(3);
      await page.keyboard.press("+");
      expect(await pixels()).not.toBe(whole);
      await page.keyboard.press("0");
      expect(await pixels()).toBe(whole);
    });
  });

  test("shares its time with its charts", async () => {
    await using("run", [recordOf("run")], async ({ page }) => {
      const { pixels } = await atPicture(page);
      const whole = await pixels();
      const chart = page.locator(".heap-charts").first().locator(".u-over").first();
      await chart.scrollIntoViewIfNeeded();
      const box = await chart.boundingBox();
      if (!box) throw new Error("The chart is not shown.");
      await page.mouse.move(box.x + 100, box.y + 20);
      await page.mouse.down();
      await page.mouse.move(box.x + 300, box.y + 20, { steps: 5 });
      await page.mouse.up();
      expect(await pixels()).not.toBe(whole);
    });
  });

  test.each(["age", "size"])("is coloured by %s on request", async (coloring) => {
    await using("run", [recordOf("run")], async ({ page }) => {
      const { pixels } = await atPicture(page);
      const byOwner = await pixels();
      await page.locator("figure.heap-history select").first().selectOption(coloring);
      expect(await pixels()).not.toBe(byOwner);
      await expect(page.locator(".heap-drawing .legend").first().innerText()).resolves.toContain("under ");
      await picture(page, `by-${coloring}`, "figure.heap-history");
    });
  });

  test("has common axes with those beside it", async () => {
    await using("compare", [recordOf("compare")], async ({ page }) => {
      const { at, pixels } = await atPicture(page);
      const others = page.locator(`[data-group] ${CANVAS}`);
      const second = () => others.nth(1).evaluate((element) => (element as HTMLCanvasElement).toDataURL());
      const [before, besideBefore] = [await pixels(), await second()];
      await page.mouse.move(...at(0.5, 0.5));
      await page.mouse.down();
      await page.mouse.move(...at(0.8, 0.8), { steps: 5 });
      await page.mouse.up();
      expect(await pixels()).not.toBe(before);
      expect(await second()).not.toBe(besideBefore);
    });
  });

  test("follows the colour scheme, and prints in the light one", async () => {
    const act = async ({ page }: OpenPage) => {
      const { pixels } = await atPicture(page);
      const dark = await pixels();
      await page.emulateMedia({ colorScheme: "light" });
      const light = await pixels();
      expect(light).not.toBe(dark);
      await page.emulateMedia({ colorScheme: "dark" });
      await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
      expect(await pixels()).toBe(light);
      await page.evaluate(() => dispatchEvent(new Event("afterprint")));
      expect(await pixels()).toBe(dark);
      await print(page, "failing");
    };
    await using("failing", [recordOf("failing")], act, { colorScheme: "dark" });
  });

  test("is drawn only near what is seen, and nothing jumps when it is taken away", async () => {
    await using("failing", [recordOf("failing")], async ({ page }) => {
      const drawn = () => page.locator("figure.heap-history[data-drawn]").count();
      const height = () => page.evaluate(() => document.documentElement.scrollHeight);
      expect(await drawn()).toBe(0);
      await atPicture(page);
      expect(await drawn()).toBeGreaterThan(0);
      const before = await height();
      await page.evaluate(() => scrollTo(0, 0));
      await expect.poll(drawn).toBe(0);
      expect(await height()).toBe(before);
    });
  });

  test("has a still picture in its place where scripts do not run", async () => {
    const act = async ({ page }: OpenPage) => {
      expect(await page.locator("figure.heap-history .static").first().isVisible()).toBe(true);
      await picture(page, "without-script");
    };
    await using("run", [recordOf("run")], act, { javaScriptEnabled: false });
  });
});

describe("the page's speed", () => {
  test("scrolling and zooming keep the page's tasks short", async () => {
    await using("dense", [dense(recordOf("year").record as RunRecord)], async ({ page }) => {
      await scrollThrough(page);
      const work = await mainThreadWork(browser, () => scrollAndZoom(page));
      const longest = Math.max(...work.tasksMs);
      console.log(
        `longest task: ${longest.toFixed(1)} ms of work, ${work.longestByClockMs.toFixed(1)} ms by the clock`,
      );
      expect(longest).toBeLessThan(TASK_MOST_MS);
    });
  });

  test("the record of a simulated year is shown in less than two seconds of work", async () => {
    const work = await mainThreadWork(browser, async () => {
      await using("year", [recordOf("year")], async ({ page }) => {
        const figure = page.locator("figure.heap-history").first();
        await figure.scrollIntoViewIfNeeded();
        await figure.and(page.locator("[data-drawn]")).waitFor();
      });
    });
    const wholeMs = work.tasksMs.reduce((sum, ms) => sum + ms, 0);
    console.log(`a simulated year: ${wholeMs.toFixed(0)} ms of work`);
    expect(wholeMs).toBeLessThan(YEAR_MOST_MS);
  });

  /** The run with as many blocks in its history as a record may have: 12,000, over 512 moments. */
  function dense(record: RunRecord): NamedRecord {
    const rows = Array.from({ length: 12_000 }, (_, row) => row);
    const first = rows.map((row) => Math.floor((row * 512) / 12_000));
    const low = record.memory?.ranges.find(({ use, name }) => use === "heap" && name === "main")?.low ?? 0;
    const main = {
      address: rows.map((row) => low + ((row * 7919) % 1200) * 32),
      bytes: rows.map((row) => 8 + (row % 4) * 8),
      requestBytes: rows.map((row) => (row % 4) * 8),
      site: rows.map((row) => row % 40),
      ageUs: rows.map(() => 0),
      first,
      last: first.map((column, row) => Math.min(511, column + (row % 50))),
      leaked: rows.filter((row) => row % 100 === 0),
    };
    const sites = Array.from({ length: 40 }, (_, site) => ({ task: `task-${site % 12}`, step: `step ${site}` }));
    const atUs = Array.from({ length: 512 }, (_, column) => ((column + 1) / 512) * record.simulatedUs);
    return { name: "dense", record: { ...record, history: { atUs, sites, heaps: { main } } } };
  }

  async function scrollAndZoom(page: Page): Promise<void> {
    await page.locator("figure.heap-history").first().scrollIntoViewIfNeeded();
    const canvas = page.locator("figure.heap-history .heap-canvas").first();
    await canvas.hover();
    await canvas.focus();
    for (let turn = 0; turn < 20; turn++) await page.mouse.wheel(0, turn < 10 ? -120 : 120);
    for (const key of ["+", "+", "Shift+ArrowRight", "ArrowLeft", "-", "0"]) await page.keyboard.press(key);
    await scrollThrough(page);
  }
});

describe("a hostile record", () => {
  const SCRIPT = '</script><script>alert("run")</script><img src=x onerror=alert(1)>"\'><svg onload=alert(2)>';

  /** The record with hostile text for every name and word, and figures that are none. */
  function hostile({ record }: NamedRecord, figure: (value: number) => unknown): NamedRecord {
    const text = JSON.stringify(record, (key, value) => {
      if (typeof value === "number" && key !== "version") return figure(value);
      if (key === "title" || key === "task" || key === "step" || key === "message" || key === "path")
        return value && SCRIPT;
      if (key === "heaps" || key === "tasks" || key === "stacks") return renamed(value);
      return value;
    });
    return { name: SCRIPT, record: JSON.parse(text) as RunRecord };
  }

  function renamed(named: Readonly<Record<string, unknown>>): Record<string, unknown> {
    return Object.fromEntries(Object.entries(named).map(([name, value]) => [name + SCRIPT, value]));
  }

  test.each<[string, (value: number) => unknown]>([
    ["as they are", (value) => value],
    ["negative", (value) => -value],
    ["huge", (value) => value * 1e9],
    ["nought", () => 0],
  ])("does nothing; figures %s", async (_, figure) => {
    await using("hostile", [hostile(recordOf("failing"), figure)], async ({ page }) => {
      await scrollThrough(page);
      expect(await page.locator("img, svg[onload], script:not(#page-data)").count()).toBe(1);
    });
  });
});
