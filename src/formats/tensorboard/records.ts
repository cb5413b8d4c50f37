// TFRecord framing, as in TensorBoard's event files: for each record its length (8 bytes, little-endian), the masked
// CRC-32C of the length, the content, and the masked CRC-32C of the content.
// https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details

const HEADER_BYTES = 12;
const CRC_BYTES = 4;
/** Longer records are taken for damage. */
const MAX_RECORD_BYTES = 2 ** 31 - 1;

/** Castagnoli's polynomial, bit-reversed. */
const POLYNOMIAL = 0x82f63b78;
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  return crc;
});

/** The CRC-32C of RFC 3720. zlib and Node.js have only CRC-32, of another polynomial. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = TABLE[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** A CRC of data that contain CRCs is weak, so TensorFlow rotates the CRC and adds a constant. */
function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** The bytes of a record. */
export function encodeRecord(content: Uint8Array): Uint8Array {
  const record = new Uint8Array(HEADER_BYTES + content.length + CRC_BYTES);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(content.length), true);
  view.setUint32(8, maskedCrc(record.subarray(0, 8)), true);
  record.set(content, HEADER_BYTES);
  view.setUint32(HEADER_BYTES + content.length, maskedCrc(content), true);
  return record;
}

/**
 * Yields the contents of records, up to the first that is incomplete or damaged.
 *
 * @param read reads bytes of the file, fewer at its end
 */
export async function* parseRecords(
  read: (start: number, length: number) => Promise<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  for (let start = 0; ; ) {
    const header = await read(start, HEADER_BYTES);
    if (header.length < HEADER_BYTES) return;
    const view = new DataView(header.buffer, header.byteOffset);
    const length = Number(view.getBigUint64(0, true));
    if (length > MAX_RECORD_BYTES || view.getUint32(8, true) !== maskedCrc(header.subarray(0, 8))) return;
    const rest = await read(start + HEADER_BYTES, length + CRC_BYTES);
    if (rest.length < length + CRC_BYTES) return;
    const content = rest.subarray(0, length);
    const crc = new DataView(rest.buffer, rest.byteOffset).getUint32(length, true);
    if (crc !== maskedCrc(content)) return;
    yield content;
    start += HEADER_BYTES + rest.length;
  }
}
