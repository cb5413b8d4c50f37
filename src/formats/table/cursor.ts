// Steps through the lines of a table, the cells of a line, and the numbers of a cell.
import { UserError } from "../../errors.js";
import { visible } from "../../wording.js";

const [TAB, LINE_END, RETURN, SPACE, QUOTE, PLUS, COMMA, MINUS, POINT, SEMICOLON, LESS] = Buffer.from('\t\n\r "+,-.;<');
const [ZERO, NINE, SMALL_E] = Buffer.from("09e");
const LOWER_CASE = 0x20;
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** Integers with this many digits are exact in float64, as are these powers of ten. */
const MAX_EXACT_DIGITS = 15;
const POWERS_OF_TEN = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

const MAX_NUMBER_BYTES = 1000;
/** Limits texts of the file in messages. */
const MAX_WORD_CHARACTERS = 40;
/** Limits texts, since Node.js cannot decode a cell of 512 MiB. */
const MAX_TEXT_BYTES = 2 ** 20;

export class Cursor {
  private readonly separator: number;
  private line = 1;
  /** The number of lines in the file that this row spans: a quoted cell can contain line ends. */
  private height = 0;
  private lineStart = 0;
  private lineEnd = 0;
  private nextLineStart = 0;
  private nextCellStart = 0;
  private isQuoted = false;
  /** Where the next number of the cell begins. */
  private at = 0;
  private cellEnd = 0;

  /** @throws UserError if the file begins like a binary file or a web page */
  constructor(
    private readonly bytes: Uint8Array,
    private readonly file: string,
  ) {
    if (BYTE_ORDER_MARK.every((byte, i) => bytes[i] === byte)) this.nextLineStart = BYTE_ORDER_MARK.length;
    const isControl = (byte: number) => byte < SPACE && (byte < TAB || byte > RETURN);
    if (bytes.subarray(0, 512).some(isControl)) refuse(file, "it is binary, or text in UTF-16");
    const start = bytes.findIndex((byte, i) => byte > SPACE && i >= this.nextLineStart);
    if (bytes[start] === LESS) refuse(file, "it is a web page or XML");
    this.separator = findSeparator(bytes, start);
  }

  /** Moves to the next line that is not blank. @returns false at the end of the file */
  nextLine(): boolean {
    const { bytes } = this;
    while (this.nextLineStart < bytes.length) {
      this.line += this.height;
      this.height = 1;
      this.lineStart = this.nextLineStart;
      this.endLine(this.lineStart);
      if (this.lineEnd > this.lineStart) return true;
    }
    return false;
  }

  /** Moves to the start of this line. */
  rewind(): void {
    this.nextCellStart = this.lineStart;
  }

  /** @returns the number of lines from this one on, with blank ones */
  countLines(): number {
    let count = 1;
    for (let at = this.nextLineStart; at < this.bytes.length; count++) {
      const found = this.bytes.indexOf(LINE_END, at);
      at = found < 0 ? this.bytes.length : found + 1;
    }
    return count;
  }

  /** Moves to the next cell. @returns false at the end of the line */
  nextCell(): boolean {
    const { bytes } = this;
    let at = this.nextCellStart;
    if (at > this.lineEnd) return false;
    while (at < this.lineEnd && this.isBlank(bytes[at])) at++;
    this.isQuoted = at < this.lineEnd && bytes[at] === QUOTE;
    this.at = at;
    if (this.isQuoted) {
      this.at++;
      this.cellEnd = this.findClosingQuote(this.at);
      for (at = this.cellEnd + 1; at < this.lineEnd && !this.isSeparator(bytes[at]); at++) {
        if (!this.isBlank(bytes[at])) this.fail("a quote inside a quoted cell must be written twice");
      }
    } else {
      while (at < this.lineEnd && !this.isSeparator(bytes[at])) at++;
      let end = at;
      while (end > this.at && this.isBlank(bytes[end - 1])) end--;
      this.cellEnd = end;
    }
    this.nextCellStart = at + 1;
    return true;
  }

  /** Moves to the next number in the cell. @returns false at the end of the cell */
  hasNumber(): boolean {
    while (this.at < this.cellEnd && this.isBlank(this.bytes[this.at])) this.at++;
    return this.at < this.cellEnd;
  }

  /** Parses the next number, correctly rounded, and moves past it. @returns undefined, without moving, if it is none */
  number(): number | undefined {
    const { bytes, at: start, cellEnd } = this;
    let at = start;
    const sign = bytes[at];
    if (sign === MINUS || sign === PLUS) at++;
    let mantissa = 0;
    const digitsStart = at;
    for (; at < cellEnd && isDigit(bytes[at]); at++) mantissa = 10 * mantissa + (bytes[at] - ZERO);
    let digits = at - digitsStart;
    let exponent = 0;
    if (at < cellEnd && bytes[at] === POINT) {
      const fractionStart = ++at;
      for (; at < cellEnd && isDigit(bytes[at]); at++) mantissa = 10 * mantissa + (bytes[at] - ZERO);
      exponent = fractionStart - at;
      digits -= exponent;
    }
    if (digits > 0 && at < cellEnd && (bytes[at] | LOWER_CASE) === SMALL_E) {
      const exponentSign = bytes[++at];
      if (exponentSign === MINUS || exponentSign === PLUS) at++;
      const exponentStart = at;
      let written = 0;
      for (; at < cellEnd && isDigit(bytes[at]); at++) written = 10 * written + (bytes[at] - ZERO);
      if (at === exponentStart) return undefined;
      exponent += exponentSign === MINUS ? -written : written;
    }
    if (digits === 0 || (at < cellEnd && !this.isBlank(bytes[at]))) return this.notFinite();
    this.at = at;
    if (digits <= MAX_EXACT_DIGITS && Math.abs(exponent) < POWERS_OF_TEN.length) {
      const value = exponent < 0 ? mantissa / POWERS_OF_TEN[-exponent] : mantissa * POWERS_OF_TEN[exponent];
      return sign === MINUS ? -value : value;
    }
    if (at - start > MAX_NUMBER_BYTES) this.fail(`a number has more than ${MAX_NUMBER_BYTES} characters`);
    return Number(DECODER.decode(bytes.subarray(start, at)));
  }

  /** Decodes the rest of the cell as text. */
  text(): string {
    if (this.cellEnd - this.at > MAX_TEXT_BYTES) this.fail(`a cell has more than ${MAX_TEXT_BYTES} bytes`);
    const text = DECODER.decode(this.bytes.subarray(this.at, this.cellEnd));
    return this.isQuoted ? text.replaceAll('""', '"') : text;
  }

  /** Quotes the text up to the next blank for a message, cut if it is long. */
  word(): string {
    const [start, end] = [this.at, Math.min(this.cellEnd, this.at + 4 * MAX_WORD_CHARACTERS)]; // up to 4 bytes each
    const length = this.bytes.subarray(start, end).findIndex((byte) => this.isBlank(byte));
    const word = DECODER.decode(this.bytes.subarray(start, length < 0 ? end : start + length));
    return visible(JSON.stringify(word.slice(0, MAX_WORD_CHARACTERS)));
  }

  /** @throws UserError with the number of this line and, if given, the column */
  fail(problem: string, column?: string | number): never {
    const label = typeof column === "string" ? visible(JSON.stringify(column.slice(0, MAX_WORD_CHARACTERS))) : column;
    const place = label === undefined ? `line ${this.line}` : `line ${this.line}, column ${label}`;
    throw new UserError(`${this.file}, ${place}: ${problem}.`);
  }

  /** Parses NaN and infinity. */
  private notFinite(): number | undefined {
    const [, sign, name] = /^"([+-]?)(nan|inf|infinity)"$/i.exec(this.word()) ?? [];
    if (name === undefined) return undefined;
    this.at += sign.length + name.length;
    if (name.toLowerCase() === "nan") return Number.NaN;
    return sign === "-" ? -Infinity : Infinity;
  }

  /** Ends this line before the next line end after `start` and any blanks that precede it. */
  private endLine(start: number): void {
    const { bytes } = this;
    const found = bytes.indexOf(LINE_END, start);
    let end = found < 0 ? bytes.length : found;
    this.nextLineStart = end + 1;
    while (end > start && (bytes[end - 1] === RETURN || this.isBlank(bytes[end - 1]))) end--;
    this.lineEnd = end;
  }

  /** Extends the line if the quote closes on a later line. */
  private findClosingQuote(start: number): number {
    const { bytes } = this;
    let at = start;
    while (at < bytes.length && (bytes[at] !== QUOTE || bytes[at + 1] === QUOTE)) at += bytes[at] === QUOTE ? 2 : 1;
    if (at >= bytes.length) this.fail("a quoted cell is not closed");
    if (at > this.lineEnd) {
      for (let end = this.nextLineStart - 1; end < at; end++) if (bytes[end] === LINE_END) this.height++;
      this.endLine(at + 1);
    }
    return at;
  }

  private isBlank(byte: number): boolean {
    return byte === SPACE || (byte === TAB && this.separator !== TAB);
  }

  private isSeparator(byte: number): boolean {
    return byte === this.separator || (byte === TAB && this.separator === SPACE);
  }
}

/** The most frequent separator outside quotes in the line at `start`. Names may contain other separators. */
function findSeparator(bytes: Uint8Array, start: number): number {
  const counts = new Float64Array(256);
  let isQuoted = false;
  for (let at = start; at < bytes.length && (isQuoted || bytes[at] !== LINE_END); at++) {
    if (bytes[at] === QUOTE) isQuoted = !isQuoted;
    else if (!isQuoted) counts[bytes[at]]++;
  }
  const most = Math.max(counts[COMMA], counts[SEMICOLON], counts[TAB]);
  return most === 0 ? SPACE : ([COMMA, SEMICOLON].find((separator) => counts[separator] === most) ?? TAB);
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}

export function refuse(file: string, problem: string): never {
  throw new UserError(`${file} is not a table of numbers: ${problem}.`);
}
