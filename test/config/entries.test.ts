// The constructors of settings, and the validation of a table of them.
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

  it.each<[name: Name, text: string, value: unknown, json: unknown]>([
    ["channels", "own", null, "own"],
    ["channels", "3", 3, "3"],
    ["size", "own", null, "own"],
    ["size", "28x20", { width: 28, height: 20 }, "28x20"],
  ])(
    "%s, which is optional, parses %j, encodes it as JSON, and checks value and JSON alike",
    (name, text, value, json) => {
      const { parse, check, encode } = setting(name);
      expect(parse(text)).toEqual(value);
      expect(encode(value)).toEqual(json);
      expect(check(value)).toEqual(value);
      expect(check(JSON.parse(JSON.stringify(encode(value))))).toEqual(value);
    },
  );

  it.each<[name: Name, text: string, problem: string]>([
    ["channels", "2", "It must be one of 1, 3."],
    ["size", "0x5", "It must be WIDTHxHEIGHT, or one number for both, each from 1 to 4096."],
  ])("%s, which is optional, refuses %j: %s", (name, text, problem) => {
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
