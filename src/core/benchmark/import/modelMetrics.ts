/*
 * NAS-Bench-101's metrics of one training: the protobuf message ModelMetrics of nasbench/lib/model_metrics.proto
 *
 *     ModelMetrics:   repeated EvaluationData evaluation_data = 1; int32 trainable_parameters = 2; double total_time = 3
 *     EvaluationData: double current_epoch = 1, training_time = 2, train_accuracy = 3, validation_accuracy = 4,
 *                     test_accuracy = 5; string checkpoint_path = 6
 */

/** Evaluations of a training: before the first step, half-way, at the end. */
export const EVALUATIONS = 3;
/** Numbers of one evaluation, in this order: epoch, seconds, train, validation and test accuracy. */
export const EVALUATION_SIZE = 5;

/** A reader of messages; it is used for all records of a file, so that none allocates anything. */
export class ModelMetricsReader {
  /** Of the message read last: {@link EVALUATION_SIZE} numbers an evaluation, NaN where the message has none. */
  readonly values = new Float64Array(EVALUATIONS * EVALUATION_SIZE);
  evaluations = 0;
  /** Trainable parameters; NaN where the message does not have them. */
  parameters = Number.NaN;
  #bytes: Uint8Array = new Uint8Array();
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  /** Reads a message. @throws RangeError where the bytes are no such message */
  read(bytes: Uint8Array, length: number): void {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.values.fill(Number.NaN);
    this.evaluations = 0;
    this.parameters = Number.NaN;
    this.#at = 0;
    while (this.#at < length) {
      const tag = this.#varint(length);
      if (tag === tagOf(1, BYTES)) {
        const end = this.#end(length);
        if (this.evaluations === EVALUATIONS) throw new RangeError(`more than ${EVALUATIONS} evaluations`);
        this.#evaluation(end, EVALUATION_SIZE * this.evaluations++);
      } else if (tag === tagOf(2, VARINT)) {
        this.parameters = this.#varint(length);
      } else {
        this.#skip(tag, length);
      }
    }
  }

  #evaluation(end: number, to: number): void {
    while (this.#at < end) {
      const tag = this.#varint(end);
      const field = tag >>> 3;
      if ((tag & 7) === FIXED64 && field >= 1 && field <= EVALUATION_SIZE) {
        if (end - this.#at < 8) throw new RangeError('an evaluation is cut');
        this.values[to + field - 1] = this.#view.getFloat64(this.#at, true);
        this.#at += 8;
      } else {
        this.#skip(tag, end);
      }
    }
  }

  /** A varint that is a safe integer; what is negative in its message is none here. */
  #varint(end: number): number {
    let value = 0;
    for (let scale = 1; this.#at < end; scale *= 128) {
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 127) * scale;
      if (value > Number.MAX_SAFE_INTEGER) break;
      if (byte < 128) return value;
    }
    throw new RangeError('a number is cut or out of range');
  }

  /** End of what a length stands before. */
  #end(limit: number): number {
    const length = this.#varint(limit);
    if (length > limit - this.#at) throw new RangeError('a part is longer than the whole');
    return this.#at + length;
  }

  #skip(tag: number, end: number): void {
    const kind = tag & 7;
    if (kind === VARINT) this.#varint(end);
    else if (kind === BYTES) this.#at = this.#end(end);
    else if (kind === FIXED64) this.#at += 8;
    else if (kind === FIXED32) this.#at += 4;
    else throw new RangeError(`no field has the wire type ${kind}`);
    if (this.#at > end) throw new RangeError('a field is cut');
  }
}

/** Wire types of protobuf. */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;
const tagOf = (field: number, kind: number) => (field << 3) | kind;
