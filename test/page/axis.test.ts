import { describe, expect, test, vi } from "vitest";
import { Axis } from "../../src/page/axis.ts";

function axis(end = 1000, least = 10) {
  const changed = vi.fn();
  return { axis: new Axis(end, least, changed), changed };
}

const shown = ({ low, high }: Axis) => [low, high];

describe("an axis", () => {
  test("shows all of itself at first", () => {
    expect(shown(axis().axis)).toEqual([0, 1000]);
    expect(axis().axis.isWhole).toBe(true);
  });

  test("keeps the value that it is zoomed around where it is", () => {
    const { axis: zoomed } = axis();
    zoomed.zoom(250, 0.5);
    expect(shown(zoomed)).toEqual([125, 625]);
  });

  test("does not leave its ends, whatever is asked for", () => {
    const { axis: moved } = axis();
    moved.show(900, 1200);
    expect(shown(moved)).toEqual([700, 1000]);
    moved.pan(-10);
    expect(shown(moved)).toEqual([0, 300]);
    moved.show(-5000, 5000);
    expect(shown(moved)).toEqual([0, 1000]);
  });

  test("shows no less than its least", () => {
    const { axis: narrow } = axis();
    narrow.zoom(500, 1e-9);
    expect(shown(narrow)).toEqual([495, 505]);
  });

  test("moves just as far as it takes to show a value", () => {
    const { axis: moved } = axis();
    moved.show(200, 300);
    moved.reveal(250);
    expect(shown(moved)).toEqual([200, 300]);
    moved.reveal(350);
    expect(shown(moved)).toEqual([250, 350]);
    moved.reveal(100);
    expect(shown(moved)).toEqual([100, 200]);
  });

  test("tells of changes, and only of changes", () => {
    const { axis: told, changed } = axis();
    told.reset();
    expect(changed).not.toHaveBeenCalled();
    told.show(0, 500);
    told.show(0, 500);
    expect(changed).toHaveBeenCalledOnce();
  });

  test.each([0, -5, Number.NaN, Number.POSITIVE_INFINITY])("of no length (%d) is still one", (end) => {
    expect(shown(axis(end).axis)).toEqual([0, 1]);
  });
});
