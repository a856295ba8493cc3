import fc from "fast-check";

/** Texts that a format could take for its own signs. */
const TRAPS = [
  "<script>alert(1)</script>",
  "]]>",
  "&amp;&lt;",
  "\"quoted\", 'twice'",
  "a|b\\|c",
  "`code` **bold** [link](https://example.com) ![](x)",
  "=HYPERLINK(1)",
  "+1",
  "-1",
  "@cmd",
  "\t=1",
  "line\nbreak\r\nand more",
  "\u0000\u0007\u001b[31m",
  "\u202egnp.exe",
  "\ud800 half",
  "\uffff\ufffe",
  "{0} {{1}}",
  "</details></summary>",
  "# EOF\n# TYPE x counter\nx 1",
  "__proto__",
  "C:\\scenarios\\a.yaml",
  "/abs/ünï code/a.yaml",
  "",
];

/** Text as a hostile record may have it. */
export const hostileText = fc.oneof(
  fc.constantFrom(...TRAPS),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc.string({ maxLength: 40 }),
);
