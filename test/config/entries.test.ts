// The constructors of settings: parsing, checks, descriptions and encoding.
import { describe, expect, expectTypeOf, it } from "vitest";
import {
  checkSettings,
  choice,
  choices,
  integer,
  integers,
  optional,
  real,
  type Setting,
  text,
  texts,
  toggle,
  type ValuesOf,
} from "../../src/config/entries.js";
import { UserError } from "../../src/errors.js";
import { oneOf } from "../../src/values/domains.js";
import { quoteItem, quoteText, unquote } from "../../src/values/quoting.js";
import { SIZE } from "../../src/values/size.js";

const help = "help";
const TABLE = {
  count: integer({ default: 2, min: 1, max: 10, help }),
  rate: real({ default: 0.5, above: 0, max: 1, help }),
  units: integers({ default: [5, 5], min: 1, max: 9, maxLength: 3, help }),
  kind: choice(["one", "two"], { default: "one", help }),
  kinds: choices(["one", "two"], { default: ["one"], maxLength: 3, help }),
  name: text({ default: "me", help }),
  names: texts({ default: ["all"], alone: "all", maxLength: 3, help }),
  isOn: toggle({ help }),
  channels: optional("own", oneOf([1, 3]), { help }),
  size: optional("own", SIZE, { help }),
};
type Name = keyof typeof TABLE;
const setting = (name: Name): Setting<unknown> => TABLE[name];

describe("a setting", () => {
  it("infers the type of its values", () => {
    expectTypeOf<ValuesOf<typeof TABLE>>().toEqualTypeOf<{
      readonly count: number;
      readonly rate: number;
      readonly units: readonly number[];
      readonly kind: "one" | "two";
      readonly kinds: readonly ("one" | "two")[];
      readonly name: string;
      readonly names: readonly string[];
      readonly isOn: boolean;
      readonly channels: 1 | 3 | null;
      readonly size: { readonly width: number; readonly height: number } | null;
    }>();
  });

  it.each<[name: Name, text: string, value: unknown, json?: unknown]>([
    ["count", "10", 10],
    ["rate", "1e-3", 0.001],
    ["rate", ".5", 0.5],
    ["units", "1,9", [1, 9]],
    ["kind", "two", "two"],
    ["kinds", "two, one", ["two", "one"]],
    ["name", "you and me", "you and me"],
    ["names", "a,b", ["a", "b"]],
    ["names", "all", ["all"]],
    ["names", ' a , "b,""c""" ,d"e', ["a", '"b,""c"""', 'd"e']],
    ["names", '"all",a', ['"all"', "a"]],
    ["names", '" ",""', ['" "', '""']],
    ["names", '"a,b', ['"a', "b"]],
    ["units", "1,2,3", [1, 2, 3]],
    ["isOn", "true", true],
    ["channels", "own", null, "own"],
    ["channels", "3", 3, "3"],
    ["size", "own", null, "own"],
    ["size", "28", { width: 28, height: 28 }, "28x28"],
    ["size", "28x20", { width: 28, height: 20 }, "28x20"],
  ])("%s parses %j, encodes it as JSON, and checks value and JSON alike", (name, text, value, json = value) => {
    const { parse, check, encode } = setting(name);
    expect(parse(text)).toEqual(value);
    expect(encode(value)).toEqual(json);
    expect(check(value)).toEqual(value);
    expect(check(JSON.parse(JSON.stringify(encode(value))))).toEqual(value);
  });

  it.each<[name: Name, text: string, problem: string]>([
    ["count", "0", "It must be a whole number from 1 to 10."],
    ["count", "1.5", "It must be a whole number from 1 to 10."],
    ["rate", "0", "It must be a number above 0 and at most 1."],
    ["rate", "0x1", "It must be a number above 0"],
    ["units", "5,", "It must be a list of up to 3 whole numbers from 1 to 9."],
    ["units", "1,1,1,1", "It must be a list of up to 3 whole numbers from 1 to 9."],
    ["kind", "three", "It must be one of one, two."],
    ["kinds", "one,three", "It must be a list of up to 3 of one, two."],
    ["kinds", "one,one,one,one", "It must be a list of up to 3 of one, two."],
    ["name", "", "It must not be empty."],
    ["names", "a,,b", "It must be a list of up to 3 non-empty texts."],
    ["names", "a,b,c,d", "It must be a list of up to 3 non-empty texts."],
    ["names", ",a", "It must be a list of up to 3 non-empty texts."],
    ["names", "all,a", 'all cannot be combined with other texts. If it is a name, put it in double quotes: "all".'],
    ["isOn", "yes", "It must be true or false."],
    ["channels", "2", "It must be one of 1, 3."],
    ["size", "0x5", "It must be WIDTHxHEIGHT, or one number for both, each from 1 to 4096."],
    ["size", "5x4097", "It must be WIDTHxHEIGHT"],
    ["size", "5x5x5", "It must be WIDTHxHEIGHT"],
  ])("%s refuses %j: %s", (name, text, problem) => {
    expect(() => setting(name).parse(text)).toThrow(problem);
  });

  it.each(Object.keys(TABLE) as Name[])("%s refuses values of other types", (name) => {
    for (const value of [Number.NaN, -1, {}, [], [null], { width: 1.5, height: 2 }, { toString: 1 }, undefined]) {
      expect(() => setting(name).check(value), JSON.stringify(value)).toThrow(UserError);
    }
  });
});

describe("checkSettings", () => {
  it("prefers given settings to a preset, and a preset to defaults", () => {
    const preset = { count: 3, rate: 0.1, size: "5x4" };
    expect(checkSettings(TABLE, { count: 4, rate: undefined, size: null }, preset)).toMatchObject({
      count: 4,
      rate: 0.1,
      size: null,
      kind: "one",
    });
  });

  it("refuses values of any length, and shows their beginning", () => {
    const long = [{ units: Array(1e8) }, { names: Array(4).fill("x".repeat(1e6)) }, { ["n".repeat(1e6)]: 1 }];
    for (const given of long) {
      expect(() => checkSettings(TABLE, given)).toThrow(/^.{1,250}$/);
    }
    expect(() => checkSettings(TABLE, { kind: "\u009b2J" })).toThrow('The setting kind is "\\u009b2J".');
  });

  it.each([
    [{ count: 0 }, "The setting count is 0. It must be a whole number from 1 to 10."],
    [{ counts: 1 }, 'Unknown setting "counts".'],
    [JSON.parse('{ "__proto__": 1 }'), 'Unknown setting "__proto__".'],
    [[], "Settings must be an object of names and values."],
  ])("refuses %j", (given, problem) => {
    expect(() => checkSettings(TABLE, given)).toThrow(problem);
    expect(() => checkSettings(TABLE, {}, given)).toThrow(problem);
  });
});

it.each([
  ["plain", "plain", '"plain"'],
  ["a,b", '"a,b"', '"a,b"'],
  [' "x" ', '" ""x"" "', '" ""x"" "'],
  ['d"e', '"d""e"', '"d""e"'],
  ['"a,b"', '"a,b"', '"""a,b"""'],
])("an item %j of a list of texts is %s on the command line, and the text %s", (item, listed, quoted) => {
  expect([quoteItem(item), quoteText(item)]).toEqual([listed, quoted]);
  expect([unquote(listed), unquote(quoted)]).toEqual([unquote(item), item]);
  expect(setting("names").parse(`x,${listed},${quoted}`)).toEqual(["x", listed, quoted]);
});
