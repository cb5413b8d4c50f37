// Encodes and decodes TensorBoard's event files (schema: tensorboard/tensorboard.proto).
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { encodeRecord, parseRecords } from "./tensorboard/records.js";
import {
  DataClass,
  DataType,
  type Event,
  EventSchema,
  type HistogramProtoSchema,
  HParamsPluginDataSchema,
  Status,
  type Summary_ValueSchema,
} from "./tensorboard/tensorboard_pb.js";

export { encodeRecord, parseRecords };

/** A PNG with its size, 1 channel of grey or 3 of RGB. */
export interface EncodedImage {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly png: Uint8Array;
}

/** A value with its tag. TensorBoard groups tags by the text before the first slash. */
export type TaggedValue = { readonly tag: string } & (
  | { readonly scalar: number }
  | { readonly image: EncodedImage }
  | { readonly histogram: ArrayLike<number> }
);

/** The parts of an event that identify it. */
export interface EventSummary {
  readonly step: number;
  /** Of the first event: the program that wrote the file. */
  readonly writer: string | undefined;
  readonly tags: readonly string[];
}

/** Seconds since 1970. */
type Time = number;

/** The first record of a file. `writer`: the program that writes it. */
export function encodeVersion(wallTime: Time, writer: string): Uint8Array {
  return encode({ wallTime, what: { case: "fileVersion", value: "brain.Event:2" }, sourceMetadata: { writer } });
}

/** A record of values at a step. */
export function encodeValues(wallTime: Time, step: number, values: readonly TaggedValue[]): Uint8Array {
  const value = values.map(encodeValue);
  return encode({ wallTime, step: BigInt(step), what: { case: "summary", value: { value } } });
}

/**
 * A record of a session's hyperparameters, for the plugin HParams. It describes no experiment: TensorBoard uses only
 * one of those that it finds, and otherwise joins the hyperparameters of all sessions.
 */
export function encodeSessionStart(
  wallTime: Time,
  settings: Readonly<Record<string, number | string | boolean>>,
): Uint8Array {
  const hparams = Object.fromEntries(
    Object.entries(settings).map(([name, value]) => {
      if (typeof value === "number") return [name, { kind: { case: "numberValue" as const, value } }];
      if (typeof value === "boolean") return [name, { kind: { case: "boolValue" as const, value } }];
      return [name, { kind: { case: "stringValue" as const, value } }];
    }),
  );
  const data = { case: "sessionStartInfo" as const, value: { hparams, startTimeSecs: wallTime } };
  return encodeSession(wallTime, "_hparams_/session_start_info", { data });
}

/** A record of a session's successful end, for the plugin HParams. */
export function encodeSessionEnd(wallTime: Time): Uint8Array {
  const value = { status: Status.SUCCESS, endTimeSecs: wallTime };
  return encodeSession(wallTime, "_hparams_/session_end_info", { data: { case: "sessionEndInfo", value } });
}

/** Decodes the content of a record. Undefined if it is not an event. */
export function summarizeEvent(content: Uint8Array): EventSummary | undefined {
  const event = decode(content);
  if (!event) return undefined;
  const { step, what, sourceMetadata } = event;
  const values = what.case === "summary" ? what.value.value : [];
  return { step: Number(step), writer: sourceMetadata?.writer, tags: values.map(({ tag }) => tag) };
}

function decode(content: Uint8Array): Event | undefined {
  try {
    return fromBinary(EventSchema, content);
  } catch {
    return undefined;
  }
}

function encode(event: MessageInitShape<typeof EventSchema>): Uint8Array {
  return encodeRecord(toBinary(EventSchema, create(EventSchema, event)));
}

function encodeValue(value: TaggedValue): MessageInitShape<typeof Summary_ValueSchema> {
  const { tag } = value;
  if ("scalar" in value) return { tag, value: { case: "simpleValue", value: value.scalar } };
  if ("histogram" in value) return { tag, value: { case: "histo", value: histogramOf(value.histogram) } };
  const { width, height, channels, png } = value.image;
  const image = { width, height, colorspace: channels, encodedImageString: png };
  return { tag, value: { case: "image", value: image } };
}

/** Data of the plugin HParams are metadata of a tensor without values. */
function encodeSession(
  wallTime: Time,
  tag: string,
  session: MessageInitShape<typeof HParamsPluginDataSchema>,
): Uint8Array {
  const content = toBinary(HParamsPluginDataSchema, create(HParamsPluginDataSchema, session));
  const value: MessageInitShape<typeof Summary_ValueSchema> = {
    tag,
    metadata: { pluginData: { pluginName: "hparams", content }, dataClass: DataClass.TENSOR },
    value: { case: "tensor", value: { dtype: DataType.DT_FLOAT, tensorShape: { dim: [{ size: 0n }] } } },
  };
  return encode({ wallTime, what: { case: "summary", value: { value: [value] } } });
}

const BUCKETS = 30;

/** Counts values in buckets of equal width from their minimum to their maximum. */
function histogramOf(values: ArrayLike<number>): MessageInitShape<typeof HistogramProtoSchema> {
  let [min, max, sum, sumSquares] = [Infinity, -Infinity, 0, 0];
  for (let i = 0; i < values.length; i++) {
    min = Math.min(min, values[i]);
    max = Math.max(max, values[i]);
    sum += values[i];
    sumSquares += values[i] ** 2;
  }
  const count = max > min ? BUCKETS : 1;
  const width = (max - min) / count;
  const bucket = new Array<number>(count).fill(0);
  for (let i = 0; i < values.length; i++) {
    bucket[max > min ? Math.min(count - 1, Math.floor((values[i] - min) / width)) : 0]++;
  }
  const bucketLimit = bucket.map((_, i) => (i === count - 1 ? max : min + (i + 1) * width));
  return { min, max, num: values.length, sum, sumSquares, bucketLimit, bucket };
}
