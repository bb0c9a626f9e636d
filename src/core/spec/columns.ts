import type { DataType, Schema } from 'apache-arrow';
import { isList } from '../batch/columns.js';
import { type EventName, embeddingSchema, eventSchemas } from '../batch/events.js';
import { type ColumnTypeName, type ColumnTypes, columnTypes } from './component.js';

/** The name of an Arrow type, e.g. `uint32`, or `float32[]` for a list of one length. Throws a TypeError for others. */
export function columnTypeOf(type: DataType): ColumnTypeName {
  const name = isList(type) ? `${type.children[0]!.type}[]` : String(type);
  const known = columnTypes.find((each) => each === name.toLowerCase());
  if (!known) throw new TypeError(`columns of type ${type} do not occur in rxnas`);
  return known;
}

/** The columns of a schema. */
export const columnsOf = (schema: Schema): ColumnTypes =>
  Object.fromEntries(schema.fields.map(({ name, type }) => [name, columnTypeOf(type)]));

/** The columns of an event's rows. */
export const eventColumns = (event: EventName): ColumnTypes =>
  columnsOf(event === 'embedding' ? embeddingSchema(1) : eventSchemas[event]);
