/** An image cannot be used. The message is the reason. */
export class BadImage extends Error {
  override readonly name = "BadImage";
}
