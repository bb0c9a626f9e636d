/**
 * Reads FlatBuffers tables from bytes that anyone may have written: every access is checked against the bytes that are there (a
 * DataView throws a RangeError), and nothing is allocated by a length that they state.
 */
export class Table {
  readonly #view: DataView;
  readonly #at: number;
  readonly #vtable: number;
  readonly #vtableSize: number;

  private constructor(view: DataView, at: number) {
    this.#view = view;
    this.#at = at;
    this.#vtable = at - view.getInt32(at, true);
    this.#vtableSize = view.getUint16(this.#vtable, true);
  }

  /** The root table of a buffer. */
  static root(bytes: Uint8Array): Table {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return new Table(view, view.getUint32(0, true));
  }

  /** Place of field `id`, or 0 where it is absent. */
  #field(id: number): number {
    const entry = 4 + 2 * id;
    const offset = entry < this.#vtableSize ? this.#view.getUint16(this.#vtable + entry, true) : 0;
    return offset === 0 ? 0 : this.#at + offset;
  }

  #target(at: number): number {
    return at + this.#view.getUint32(at, true);
  }

  has(id: number): boolean {
    return this.#field(id) !== 0;
  }

  uint8(id: number, absent = 0): number {
    const at = this.#field(id);
    return at === 0 ? absent : this.#view.getUint8(at);
  }

  int16(id: number, absent = 0): number {
    const at = this.#field(id);
    return at === 0 ? absent : this.#view.getInt16(at, true);
  }

  int32(id: number, absent = 0): number {
    const at = this.#field(id);
    return at === 0 ? absent : this.#view.getInt32(at, true);
  }

  int64(id: number, absent = 0): number {
    const at = this.#field(id);
    return at === 0 ? absent : Number(this.#view.getBigInt64(at, true));
  }

  string(id: number): string {
    const at = this.#field(id);
    if (at === 0) return '';
    const start = this.#target(at);
    const length = this.#view.getUint32(start, true);
    if (start + 4 + length > this.#view.byteLength) throw new RangeError('a string leaves the message');
    return Buffer.from(this.#view.buffer, this.#view.byteOffset + start + 4, length).toString('utf8');
  }

  table(id: number): Table {
    const at = this.#field(id);
    if (at === 0) throw new RangeError(`field ${id} is missing`);
    return new Table(this.#view, this.#target(at));
  }

  /** Number of elements of vector `id`, 0 where it is absent. */
  count(id: number): number {
    const at = this.#field(id);
    return at === 0 ? 0 : this.#view.getUint32(this.#target(at), true);
  }

  /** Element `index` of a vector of tables. */
  tableAt(id: number, index: number): Table {
    const at = this.#target(this.#field(id)) + 4 + 4 * index;
    return new Table(this.#view, this.#target(at));
  }

  /** Element `index` of a vector of structs of two int64. */
  pairAt(id: number, index: number): [number, number] {
    const at = this.#target(this.#field(id)) + 4 + 16 * index;
    return [Number(this.#view.getBigInt64(at, true)), Number(this.#view.getBigInt64(at + 8, true))];
  }
}
