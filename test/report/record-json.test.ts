import { expect, test } from "vitest";
import { recordJson } from "../../src/report/record-json.ts";
import { failedRecord } from "../support/run-records.ts";

test("columns stay on one line", () => {
  expect(recordJson({ a: { at: [1, 2, null], words: ["x"] }, b: [{ c: 1 }], d: [] })).toBe(`{
  "a": {
    "at": [1,2,null],
    "words": ["x"]
  },
  "b": [
    {
      "c": 1
    }
  ],
  "d": []
}
`);
});

test("a record comes back as it was", () => {
  expect(JSON.parse(recordJson(failedRecord()))).toEqual(JSON.parse(JSON.stringify(failedRecord())));
});
