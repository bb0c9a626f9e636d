import { crc32 } from '../crc32.js';

/** Layout of `events.log`; docs/log-format.md describes it. All numbers are little-endian. */
export const fileHeaderBytes = 16;
export const frameHeaderBytes = 48;
/** Longest payload; a frame that states more is damaged or hostile. */
export const maxPayloadBytes = 64 * 2 ** 20;

const magic = Buffer.from('RXNASLOG');
export const logVersion = 1;
/** Begins every frame: "RXLF". */
export const frameMarker = Buffer.from('RXLF');

export const frameType = { schema: 1, rows: 2 } as const;

export interface FrameHeader {
  /** Bytes of payload, a multiple of 8. */
  length: number;
  /** One of {@link frameType}. */
  type: number;
  /** Number of the schema: schema frames count from 0. */
  schema: number;
  rows: number;
  /** Frames count from 0. */
  record: number;
  payloadCrc: number;
  /** Index of the first row among the rows of its event. */
  row: number;
  /** Milliseconds since 1970 at which the first row was appended. */
  time: number;
}

export function encodeFileHeader(): Buffer {
  const bytes = Buffer.alloc(fileHeaderBytes);
  magic.copy(bytes);
  bytes.writeUInt32LE(logVersion, 8);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 12)), 12);
  return bytes;
}

/** What is wrong with a file header, or undefined. */
export function faultOfFileHeader(bytes: Buffer): string | undefined {
  if (bytes.length < fileHeaderBytes || !bytes.subarray(0, 8).equals(magic))
    return 'it is no event log of rxnas';
  if (bytes.readUInt32LE(12) !== crc32(bytes.subarray(0, 12))) return 'its first 16 bytes are damaged';
  const version = bytes.readUInt32LE(8);
  if (version !== logVersion)
    return `it has format version ${version}; this rxnas reads version ${logVersion}`;
  return undefined;
}

export function encodeFrame(header: Omit<FrameHeader, 'length' | 'payloadCrc'>, payload: Uint8Array): Buffer {
  const padding = -payload.length & 7;
  const bytes = Buffer.alloc(frameHeaderBytes + payload.length + padding);
  bytes.set(payload, frameHeaderBytes);
  frameMarker.copy(bytes);
  bytes.writeUInt32LE(payload.length + padding, 4);
  bytes.writeUInt16LE(header.type, 8);
  bytes.writeUInt16LE(header.schema, 10);
  bytes.writeUInt32LE(header.rows, 12);
  bytes.writeUInt32LE(header.record, 16);
  bytes.writeUInt32LE(crc32(bytes.subarray(frameHeaderBytes)), 20);
  bytes.writeBigUInt64LE(BigInt(header.row), 24);
  bytes.writeDoubleLE(header.time, 32);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 44)), 44);
  return bytes;
}

/** What is wrong with a frame. `torn`: a write that was interrupted may have left it so. */
export interface Fault {
  reason: string;
  torn: boolean;
}

const torn = (reason: string): Fault => ({ reason, torn: true });
const wrong = (reason: string): Fault => ({ reason, torn: false });

/** The header at the start of `bytes`, or what is wrong with it. */
export function decodeFrameHeader(bytes: Buffer): FrameHeader | Fault {
  if (bytes.length < frameHeaderBytes) return torn('its header is cut');
  if (bytes.readUInt32LE(44) !== crc32(bytes.subarray(0, 44))) {
    return torn('its header does not match its checksum');
  }
  if (!bytes.subarray(0, 4).equals(frameMarker)) return wrong('it does not begin with the mark of a record');
  const length = bytes.readUInt32LE(4);
  if (length > maxPayloadBytes) return wrong(`it states ${length} bytes, more than ${maxPayloadBytes}`);
  if (length % 8 !== 0) return wrong(`it states ${length} bytes, no multiple of 8`);
  return {
    length,
    type: bytes.readUInt16LE(8),
    schema: bytes.readUInt16LE(10),
    rows: bytes.readUInt32LE(12),
    record: bytes.readUInt32LE(16),
    payloadCrc: bytes.readUInt32LE(20),
    row: Number(bytes.readBigUInt64LE(24)),
    time: bytes.readDoubleLE(32),
  };
}

/** What is wrong with the payload that lies behind `header`, given what is there of it. */
export function faultOfPayload(header: FrameHeader, payload: Uint8Array): Fault | undefined {
  if (payload.length < header.length)
    return torn(`${header.length - payload.length} of its bytes are missing`);
  if (crc32(payload) !== header.payloadCrc) return torn('its content does not match its checksum');
  return undefined;
}
