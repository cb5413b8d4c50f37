import { expect, it } from "vitest";
import { formatBytes, printable, printableLine, visible, visibleLines } from "../src/wording.js";

const HOSTILE = "\u0000\u001b[2J\u007f\u009b\t\r\n\u2028\u2029\u202e\u2066\u200f\u00ad\ufeff\ud800\u{e0041}";

it("hidden characters become escapes that JSON decodes to the original text", () => {
  expect(visible(HOSTILE)).toMatch(/^[ -~]+$/);
  expect(JSON.parse(visible(JSON.stringify({ [HOSTILE]: HOSTILE })))).toEqual({ [HOSTILE]: HOSTILE });
  expect(visible("\u001b\u009b\u{e0041}")).toBe("\\u001b\\u009b\\udb40\\udc41");
  const shown = 'plain – Ünïcödé 数字 \u{1f468}\u200d\u{1f469}\u200d\u{1f467} क्\u200cष \\ "';
  expect(visible(shown)).toBe(shown);
  expect(visibleLines("a\u001b\nb\r\n")).toBe("a\\u001b\nb\\u000d\n");
});

it("long text is cut between characters", () => {
  expect(printable("x".repeat(100))).toBe("x".repeat(100));
  expect(printable("x".repeat(101))).toBe(`${"x".repeat(99)}…`);
  expect(printable("\u001b".repeat(1e6))).toHaveLength(100);
  for (let start = 90; start < 102; start++) {
    const cut = printable(`${"x".repeat(start)}\u{1f600}\u{1f600}\u{1f600}`);
    expect(cut.length).toBeLessThanOrEqual(100);
    expect(cut).not.toMatch(/\p{Cs}/u);
  }
});

it("a long line keeps its start and end", () => {
  expect(printableLine(`${"x".repeat(1999)}\u{1f600}`)).toContain("x … x");
  const line = printableLine(`no such file ${"\u{1f600}".repeat(1e5)}: give another one`);
  expect(line).toMatch(/^no such file .* … .*: give another one$/u);
  expect(line.length).toBeLessThanOrEqual(2000);
  expect(line).not.toMatch(/\p{Cs}/u);
  expect(printableLine("two\nlines")).toBe("two\\u000alines");
});

it.each([
  [0, "0 kB"],
  [1, "1 kB"],
  [998_001, "999 kB"],
  [999_001, "1 MB"],
  [999_999, "1 MB"],
  [1_249_999, "1.2 MB"],
  [9_949_999, "9.9 MB"],
  [9_950_000, "10 MB"],
  [999_499_999, "999 MB"],
  [999_500_000, "1 GB"],
  [999_999_999, "1 GB"],
  [1_950_000_000, "2 GB"],
  [999_499_999_999, "999 GB"],
  [999_500_000_000, "1 TB"],
  [1e17, "100,000 TB"],
])("%d bytes are %s", (bytes, text) => expect(formatBytes(bytes)).toBe(text));
