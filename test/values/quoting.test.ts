// Lists of texts on the command line.
import { expect, it } from "vitest";
import { quoteItem, quoteText, splitItems, unquote } from "../../src/values/quoting.js";

it.each([
  ["plain", "plain", '"plain"'],
  ["a,b", '"a,b"', '"a,b"'],
  [' "x" ', '" ""x"" "', '" ""x"" "'],
  ['d"e', '"d""e"', '"d""e"'],
  ['"a,b"', '"a,b"', '"""a,b"""'],
])("an item %j of a list of texts is %s on the command line, and the text %s", (item, listed, quoted) => {
  expect([quoteItem(item), quoteText(item)]).toEqual([listed, quoted]);
  expect([unquote(listed), unquote(quoted)]).toEqual([unquote(item), item]);
  expect(splitItems(`x,${listed},${quoted}`)).toEqual(["x", listed, quoted]);
});
