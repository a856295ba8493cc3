import { afterEach, expect, test, vi } from "vitest";
import { interruptible } from "../../src/cli/interruption.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

test("the first interrupt aborts, the second finds nobody listening any more", async () => {
  const written = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const before = process.listenerCount("SIGINT");
  const clear = vi.fn();
  const aborted = await interruptible(async (signal) => {
    expect(process.listenerCount("SIGINT")).toBe(before + 1);
    process.emit("SIGINT");
    expect(process.listenerCount("SIGINT")).toBe(before);
    return signal.aborted;
  }, clear);
  expect(aborted).toBe(true);
  expect(clear).toHaveBeenCalledOnce();
  expect(written).toHaveBeenCalledWith("heapsoak: ending the run; interrupt once more to stop at once.\n");
});

test("nobody listens after the work, whether it succeeds or fails", async () => {
  const before = process.listenerCount("SIGINT");
  await interruptible(async () => 1, vi.fn());
  await expect(interruptible(() => Promise.reject(new Error("broken")), vi.fn())).rejects.toThrow("broken");
  expect(process.listenerCount("SIGINT")).toBe(before);
});
