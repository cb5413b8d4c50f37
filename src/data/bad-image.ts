/** An image that cannot be used. The message gives the reason, such as "it is empty". */
export class BadImage extends Error {
  override readonly name = "BadImage";
}
