import { type RecordBatch, RecordBatchFileWriter } from 'apache-arrow';
import { NewFile } from './files.js';

/** Writes into a file what apache-arrow would gather in memory. */
class ArrowFileWriter extends RecordBatchFileWriter {
  constructor(readonly file: NewFile) {
    super();
  }

  protected override _write(chunk: ArrayBufferView): this {
    if (this._started && chunk.byteLength > 0) {
      this.file.write(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      this._position += chunk.byteLength;
    }
    return this;
  }
}

/** Arrow batches into one IPC file, which becomes visible, whole and durable, with {@link close}. */
export class ArrowSink {
  readonly #file: NewFile;
  readonly #writer: ArrowFileWriter;

  constructor(path: string) {
    this.#file = new NewFile(path);
    this.#writer = new ArrowFileWriter(this.#file);
  }

  write(batch: RecordBatch): void {
    this.#writer.write(batch);
  }

  async close(): Promise<void> {
    this.#writer.finish();
    await this.#file.commit();
  }

  /** Give the file up; does nothing after {@link close}. */
  discard(): void {
    this.#file.discard();
  }
}
