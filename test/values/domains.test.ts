// Domains of values: parsing, checks and encoding.
import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.js";
import {
  BOOLEAN,
  type Domain,
  number,
  oneOf,
  someOf,
  TEXT,
  textList,
  wholeNumber,
  wholeNumbers,
} from "../../src/values/domains.js";

const DOMAINS = {
  count: wholeNumber({ min: 1, max: 10 }),
  rate: number({ above: 0, max: 1 }),
  units: wholeNumbers({ min: 1, max: 9, maxLength: 3 }),
  kind: oneOf(["one", "two"]),
  kinds: someOf(["one", "two"], { maxLength: 3 }),
  name: TEXT,
  names: textList({ maxLength: 3 }, "all"),
  isOn: BOOLEAN,
};
type Name = keyof typeof DOMAINS;
const domain = (name: Name): Domain<unknown> => DOMAINS[name];

describe("a domain", () => {
  it.each<[name: Name, text: string, value: unknown]>([
    ["count", "10", 10],
    ["rate", "1e-3", 0.001],
    ["rate", ".5", 0.5],
    ["units", "1,9", [1, 9]],
    ["units", "1,2,3", [1, 2, 3]],
    ["kind", "two", "two"],
    ["kinds", "two, one", ["two", "one"]],
    ["name", "you and me", "you and me"],
    ["names", "a,b", ["a", "b"]],
    ["names", "all", ["all"]],
    ["names", ' a , "b,""c""" ,d"e', ["a", '"b,""c"""', 'd"e']],
    ["names", '"all",a', ['"all"', "a"]],
    ["names", '" ",""', ['" "', '""']],
    ["names", '"a,b', ['"a', "b"]],
    ["isOn", "true", true],
  ])("%s parses %j, encodes it as JSON, and checks value and JSON alike", (name, text, value) => {
    const { parse, check, encode } = domain(name);
    expect(parse(text)).toEqual(value);
    expect(encode(value)).toEqual(value);
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
  ])("%s refuses %j: %s", (name, text, problem) => {
    expect(() => domain(name).parse(text)).toThrow(problem);
  });

  it.each(Object.keys(DOMAINS) as Name[])("%s refuses values of other types", (name) => {
    for (const value of [Number.NaN, -1, {}, [], [null], { width: 1.5, height: 2 }, { toString: 1 }, undefined]) {
      expect(() => domain(name).check(value), JSON.stringify(value)).toThrow(UserError);
    }
  });
});
