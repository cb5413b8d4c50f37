import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.js";
import { formatCsvRow, parseTable } from "../../src/formats/table.js";
import { weyl } from "../helpers.js";

const parse = (text: string) => parseTable(new TextEncoder().encode(text), "x.csv");
/** The rows of a table. */
const rowsOf = (text: string) => {
  const { data, rows, columns } = parse(text);
  return Array.from({ length: rows }, (_, row) => [...data.subarray(row * columns, (row + 1) * columns)]);
};
const ROWS = [
  [1, 2, 3],
  [4, 5, 6],
];

/** The pixels of an image, 8×8. */
const image = (i: number) =>
  Array.from({ length: 64 }, (_, at) => (13 * i + 7 * Math.floor(at / 8) + 3 * (at % 8)) % 256);

describe("parseTable", () => {
  it("reads Kaggle's images and labels", () => {
    const names = ["label", ...Array.from({ length: 64 }, (_, i) => `pixel${i}`)];
    const rows = Array.from({ length: 24 }, (_, i) => [i % 2, ...image(i)]);
    expect(parse([names, ...rows].map((row) => `${row.join(",")}\n`).join(""))).toEqual({
      header: names,
      columns: 65,
      rows: 24,
      data: Float32Array.from(rows.flat()),
      texts: new Map(),
    });
  });

  it("reads binary images separated by spaces (.amat)", () => {
    const rows = Array.from({ length: 24 }, (_, i) => image(i).map((pixel) => Number(pixel >= 128)));
    const expected = { columns: 64, rows: 24, data: Float32Array.from(rows.flat()), texts: new Map() };
    expect(parse(rows.map((row) => `${row.join(" ")} \n`).join(""))).toEqual(expected);
    const scientific = rows.map((row) => row.map((pixel) => `   ${pixel}.0000000e+00`).join(""));
    expect(parse(scientific.join("\n"))).toEqual(expected);
  });

  it.each([
    ["commas", "1,2,3\n4,5,6\n"],
    ["no end of the last line", "1,2,3\n4,5,6"],
    ["semicolons", "1;2;3\n4;5;6\n"],
    ["tabs", "1\t2\t3\n4\t5\t6\n"],
    ["spaces", "1 2 3\n4 5 6\n"],
    ["several spaces, outside too, and tabs below", "  1  2   3 \n 4\t5 6\t\n"],
    ["blanks in quotes", '"1",2,"3 "\n4,5," 6"'],
    ["blanks beside commas", " 1 ,\t2, 3\n4,5 ,6\n"],
    ["line ends of Windows", "1,2,3\r\n4,5,6\r\n"],
    ["a byte order mark", "\ufeff1,2,3\n4,5,6\n"],
    ["blank lines", "\n1,2,3\n \t\r\n\n4,5,6\n\n"],
    ["quotes", '"1",2,"3"\r\n4 , "5" ,6'],
    ["quotes and spaces", '"1" 2 "3"\n4 "5"   6'],
    ["several numbers in a cell", "1,2  3\n4,5 6"],
    ["signs, fractions and exponents", "+1,2.,.3E1\n400e-2,0.05e+002,6000000000000000000000000e-24"],
  ])("reads %s", (_, text) => {
    expect(rowsOf(text)).toEqual(ROWS);
    expect(parse(text).header).toBeUndefined();
  });

  it("reads a first line as a header if any of its cells is not a number", () => {
    expect(parse("a,b\n1,2").header).toEqual(["a", "b"]);
    expect(parse(' "the, label" ,"say ""x""",\r\n1,2,3').header).toEqual(["the, label", 'say "x"', ""]);
    expect(parse("a;b,c,d\n1,2,3").header).toEqual(["a;b", "c", "d"]);
    expect(parse("1,2,x\n1,2,3")).toMatchObject({ header: ["1", "2", "x"], rows: 1 });
  });

  it("reads columns of text, and images in a single cell", () => {
    const text = 'emotion,pixels,Usage\n0,"70 80 82",Training\n6, 1 2 3 ,"say ""x"", "\n2,255 0 7,\n';
    expect(parse(text)).toEqual({
      header: ["emotion", "pixels", "pixels", "pixels"],
      columns: 4,
      rows: 3,
      data: Float32Array.of(0, 70, 80, 82, 6, 1, 2, 3, 2, 255, 0, 7),
      texts: new Map([["Usage", ["Training", 'say "x", ', ""]]]),
    });
    expect(parse("__proto__ x\ncat 1\n5 2").texts).toEqual(new Map([["__proto__", ["cat", "5"]]]));
  });

  it("keeps integers up to 2^24, NaN and infinity", () => {
    expect(rowsOf("16777216,-16777215,0\nnan,-inf,+Infinity\nNaN,-0,1e999")).toEqual([
      [2 ** 24, 1 - 2 ** 24, 0],
      [Number.NaN, -Infinity, Infinity],
      [Number.NaN, -0, Infinity],
    ]);
  });

  it("rounds like JavaScript", () => {
    const values = [...weyl(300, -1e30, 1e30), ...weyl(300, -1e-30, 1e-30), ...weyl(300), 1e-45, 3.4028235e38];
    for (const format of [String, (value: number) => value.toExponential(7), (value: number) => value.toFixed(20)]) {
      const texts = values.map(format);
      expect(parse(texts.join(",")).data).toEqual(Float32Array.from(texts, Number));
    }
  });

  it.each([
    ["nothing", "", "x.csv is not a table of numbers: it is empty."],
    ["blanks", " \n\t\n", "x.csv is not a table of numbers: it is empty."],
    ["only a header", "a,b\n\n", "x.csv is not a table of numbers: it has a header, but no rows."],
    ["a web page", "\n <!DOCTYPE html>\n", "x.csv is not a table of numbers: it is a web page or XML."],
    ["a binary file", "PK\x03\x04", "x.csv is not a table of numbers: it is binary, or text in UTF-16."],
    ["prose", "It was\na dark and stormy night", "x.csv, line 2: this row has 5 values, but the header has 2 names."],
    ["texts", "a,b\nc,d", "x.csv, line 2: this row has no numbers."],
    ["a short row", "a,b\n1,2\n\n3\n", "x.csv, line 4: this row has 1 values, but earlier rows have 2."],
    ["a long row", "1 2\n3 4 5 6\n", "x.csv, line 2: this row has 4 values, but earlier rows have 2."],
    ["a header that is short", "a,b\n1,2,3", "x.csv, line 2: this row has 3 values, but the header has 2 names."],
    ["an empty cell", "1,2,3\n4,,6", "x.csv, line 2, column 2: the cell is empty."],
    ["an empty first cell", "a,b,c\n,5,6", 'x.csv, line 2, column "a": the cell is empty.'],
    ["an empty last cell", 'a,"b""c"\n1,2\n3,""', 'x.csv, line 3, column "b\\"c": the cell is empty.'],
    ["a cell of text", "a,b\n1,2\nx,4", 'x.csv, line 3, column "a": "x" is not a number.'],
    ["a column that is neither numbers nor text", "a,b\n1,2/3\n", 'x.csv, line 2, column "b": "2/3" is not a number.'],
    ["a text below an unnamed column", "a,\n1,2\n3,x y", 'x.csv, line 3, column 2: "x" is not a number.'],
    ["a long text", `1\n${"x€".repeat(50)}`, `x.csv, line 2, column 1: "${"x€".repeat(20)}" is not a number.`],
    ["controls", `1${"\n".repeat(600)}\x1b[31m\n`, 'x.csv, line 601, column 1: "\\u001b[31m" is not a number.'],
    ["decimal commas", "1;2\n0,5;2", 'x.csv, line 2, column 1: "0,5" is not a number.'],
    ["thousands", '1,2\n"1,000",2', 'x.csv, line 2, column 1: "1,000" is not a number.'],
    ["line ends of old Macs", "1 2\n3 4\r5 6\n", 'x.csv, line 2, column 2: "4\\r5" is not a number.'],
    [
      "an image of other size",
      "a,b\n1,2 3\n1,2",
      'x.csv, line 3, column "b": this cell has 1 numbers, but cells above have 2.',
    ],
    ["an open quote", '1,2\n"3,4\n5,6', "x.csv, line 2: a quoted cell is not closed."],
    ["numbers on two lines of a cell", '1,2\n"3\n4",5', 'x.csv, line 2, column 1: "3\\n4" is not a number.'],
    [
      "a short row below a cell of two lines",
      'a,b\n"x\n\ny",1\n2',
      "x.csv, line 5: this row has 1 values, but earlier rows have 2.",
    ],
    ["text after a quote", '1,2\n"3"4,5', "x.csv, line 2: a quote inside a quoted cell must be written twice."],
    ["two texts of one name", "a,a,b\nx,y,1", "x.csv, line 2: two columns of text have the same name."],
    ["a number without end", `1\n${"1".repeat(2000)}`, "x.csv, line 2: a number has more than 1000 characters."],
    ["a name without end", `${"x".repeat(2e6)}\n1`, "x.csv, line 1: a cell has more than 1048576 bytes."],
    ["a row without end", `a${",1".repeat(2 ** 22)}`, "x.csv, line 1: this row has more than 4194304 values."],
  ])("refuses %s", (_, text, problem) => {
    expect(() => parse(text)).toThrow(new UserError(problem));
  });

  it.each(["0x10", "1e", "1e+", "e5", ".", "-", "--1", "1.2.3", "1_000", "5%", "infinit", "nano", "null"])(
    "does not read %s as a number",
    (text) => expect(() => parse(`1\n${text}`)).toThrow(`line 2, column 1: "${text}" is not a number.`),
  );

  it("reads quoted cells that contain line ends", () => {
    const text = 'a,"b\nb"\r\n"one\r\n two, ""three""\n",1\n"four" ,2\n';
    expect(parse(text)).toMatchObject({ header: ["b\nb"], rows: 2, data: Float32Array.of(1, 2) });
    expect([...parse(text).texts]).toEqual([["a", ['one\r\n two, "three"\n', "four"]]]);
  });

  it("reads only wanted columns if the table has a header", () => {
    const wanted = (text: string) => {
      const { header, columns, data } = parseTable(new TextEncoder().encode(text), "x.csv", (name) => /^z/.test(name));
      return [header, columns, [...data]];
    };
    expect(wanted('file,z1,n,z0\n"1, 2\n.png",3,"",4\n7,5,x y,6\n')).toEqual([["z1", "z0"], 2, [3, 4, 5, 6]]);
    expect(wanted("a,b\n1,2")).toEqual([[], 0, []]);
    expect(wanted("1,2\n3,4")).toEqual([undefined, 2, [1, 2, 3, 4]]);
    expect(() => wanted("a,z0\n1,x")).toThrow('x.csv, line 2, column "z0": "x" is not a number.');
  });

  it("reads columns as text by their names, even if they hold numbers", () => {
    const read = (text: string) =>
      parseTable(
        new TextEncoder().encode(text),
        "x.csv",
        (name) => /^z/.test(name),
        (name) => name === "class",
      );
    const { header, data, texts } = read('z0,class,n\n1,7,x\n2,"a, b",y\n');
    expect([header, [...data], [...texts]]).toEqual([["z0"], [1, 2], [["class", ["7", "a, b"]]]]);
    expect([...read("1,2\n3,4").texts]).toEqual([]);
  });

  it("allocates little memory for a long line above many blank ones", () => {
    const text = `${"1,".repeat(100_000)}1${"\n".repeat(100_000)}`;
    expect(parse(text).data.buffer.byteLength).toBeLessThanOrEqual(2 * text.length + 4);
  });
});

describe("formatCsvRow", () => {
  it("quotes cells that need it", () => {
    expect(formatCsvRow(["image", "a,b", 'say "x"', "two\nlines", " x", "", "it's"])).toBe(
      'image,"a,b","say ""x""","two\nlines"," x","",it\'s\n',
    );
    expect(formatCsvRow([1, -0.5, 1e-7, Number.NaN])).toBe("1,-0.5,1e-7,NaN\n");
  });

  it("writes rows that parseTable reads", () => {
    const floats = Float32Array.from([...weyl(50, -3, 3), 1e-45, 3.4028235e38]);
    const names = Array.from(floats, (_, i) => `a "quoted", name ${i}`);
    const { header, data } = parse(formatCsvRow(names) + formatCsvRow([...floats]));
    expect([header, data]).toEqual([names, floats]);
  });
});
