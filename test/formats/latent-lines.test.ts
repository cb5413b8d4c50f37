import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.js";
import { parseLatentLines } from "../../src/formats/latent-lines.js";

const parse = (text: string) => parseLatentLines(new TextEncoder().encode(text), "x.jsonl");

describe("latents as JSON lines", () => {
  it("are refused if a line would take JSON.parse much memory", () => {
    const long = Buffer.from(`{"z":[1]}\n{"z":[${"0,".repeat(1.1e6)}0]}\n`);
    expect(() => parseLatentLines(long, "x")).toThrow("x does not hold latents as JSON lines: line 2 must look like");
  });

  it("may have other fields, blank lines, and either kind of line end", () => {
    const { data, shape } = parse('{"name":"größe","z":[1,2]}\r\n\n  \n{"z":[3,4]}');
    expect([[...data], shape]).toEqual([
      [1, 2, 3, 4],
      [2, 2],
    ]);
    expect(parse("\n\n").shape).toEqual([0, 0]);
  });

  it("have classes if each line has a class or a label", () => {
    expect(parse('{"z":[1],"class":"cat","label":3}\n{"z":[2],"label":4}').classes).toEqual(["cat", "4"]);
    for (const text of ['{"z":[1],"class":"cat"}\n{"z":[2]}', '{"z":[1]}', '{"z":[1],"class":["cat"]}']) {
      expect(parse(text).classes).toBeUndefined();
    }
  });

  it.each([
    ["no JSON", '{"z":[1]}\n0.5 1.5', "line 2 must look like"],
    ["null", "null", "line 1 must look like"],
    ["no z", '{"x":[1]}', "line 1 must look like"],
    ["z that is none", '{"z":1}', "line 1 must look like"],
    ["z of nothing", '{"z":[]}', "line 1 must look like"],
    ["z of texts", '{"z":["1"]}', "line 1 must look like"],
    ["z of null, as JSON has NaN", '{"z":[1,null]}', "line 1 must look like"],
    ["z of several widths", '{"z":[1]}\n\n{"z":[1,2]}', "line 3: this z has 2 numbers, but earlier ones have 1"],
  ])("are refused with %s", (_, text, problem) => {
    expect(() => parse(text)).toThrow(UserError);
    expect(() => parse(text)).toThrow(problem);
  });
});
