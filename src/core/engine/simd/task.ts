/** What a task does; the order is that of `Kind` in assembly/steps.ts. */
export const taskKinds = [
  'encode',
  'pretrain',
  'search',
  'embed',
  'predict',
  'propose',
  'reconstruct',
  'decode',
] as const;
export type TaskKind = (typeof taskKinds)[number];

/** Fields of `Task` in assembly/steps.ts, four bytes each, in its order. */
const fields = [
  'kind',
  'vocabulary',
  'length',
  'dim',
  'predictor',
  'packed',
  'workspaces',
  'rows',
  'chunks',
  'tokens',
  'activations',
  'metric',
  'targets',
  'sums',
  'outputs',
  'embeddings',
  'predicted',
  'decoded',
  'tradeoff',
  'frozen',
  'step',
] as const;
type Field = Exclude<(typeof fields)[number], 'kind'>;
const floatFields = new Set<string>(['tradeoff', 'step']);

/** What a thread is to compute. Absent fields are 0. */
export type Task = { kind: TaskKind } & { [name in Field]?: number };

export const taskBytes = 4 * fields.length;

/** Write the task where the module reads it, at byte `address`. */
export function writeTask(buffer: ArrayBufferLike, address: number, task: Task): void {
  const view = new DataView(buffer, address, taskBytes);
  fields.forEach((name, index) => {
    const value = name === 'kind' ? taskKinds.indexOf(task.kind) : (task[name] ?? 0);
    if (floatFields.has(name)) view.setFloat32(4 * index, value, true);
    else view.setInt32(4 * index, value, true);
  });
}
