import { mkdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Embedding, embeddingsOf, rowsOf } from '../core/batch/index.js';
import { dataError, usageError } from '../core/errors.js';
import { NewFile, openRun } from '../core/run/index.js';
import { openSpace } from '../core/space/index.js';
import { cellFacts } from './cellFacts.js';
import { spaceOfRun } from './spaceOfRun.js';

const names = ['vectors.tsv', 'metadata.tsv', 'projector_config.pbtxt'] as const;

const config = `embeddings {
  tensor_name: "architectures"
  tensor_path: "vectors.tsv"
  metadata_path: "metadata.tsv"
}
`;

/**
 * Writes the embeddings of a run as TensorBoard's Embedding Projector reads them: a line of tabs a cell in `vectors.tsv`, what is known of the cell
 * in `metadata.tsv`, and `projector_config.pbtxt`, with which `tensorboard --logdir FOLDER` shows them. The log is read once, record by record.
 *
 * Throws exit code 3 where the run has no embeddings, 2 where `folder` is a file.
 */
export async function exportProjector(
  runDir: string,
  folder: string,
): Promise<{ file: string; rows: number }> {
  const run = openRun(runDir);
  const spaceName = spaceOfRun(run.manifest);
  const space = spaceName === undefined ? undefined : openSpace(spaceName);
  if (statSync(folder, { throwIfNoEntry: false })?.isFile()) {
    throw usageError(`${folder} is a file`, 'name a folder: three files go there');
  }
  let files: NewFile[] = [];
  let rows = 0;
  try {
    for (const { batch } of run.records({ events: ['embedding'] })) {
      if (rows === 0) {
        mkdirSync(folder, { recursive: true });
        files = names.map((name) => new NewFile(resolve(join(folder, name))));
        files[2]!.write(Buffer.from(config));
      }
      const values = embeddingsOf(
        batch as never as Parameters<typeof embeddingsOf<{ embedding: Embedding }>>[0],
      );
      const width = values.length / batch.numRows;
      let vectors = '';
      let metadata = '';
      let row = 0;
      for (const { cell, embedding: _, tokens: __, ...known } of rowsOf(batch) as Iterable<
        Record<string, unknown>
      >) {
        vectors += `${values.subarray(row * width, ++row * width).join('\t')}\n`;
        const facts = space && cellFacts(space, cell as number);
        const { text, vertices, edges, depth, id } = facts ?? {};
        const line = { text, id, vertices, edges, depth, ...known };
        if (rows + row === 1) metadata += `${Object.keys(line).join('\t')}\n`;
        metadata += `${Object.values(line)
          .map((value) => value ?? '')
          .join('\t')}\n`;
      }
      files[0]!.write(Buffer.from(vectors));
      files[1]!.write(Buffer.from(metadata));
      rows += batch.numRows;
    }
    if (rows === 0) {
      throw dataError(`the run ${runDir} has no embeddings`, 'make some: rxnas embed --controller RUN');
    }
    for (const file of files) await file.commit();
  } catch (error) {
    for (const file of files) file.discard();
    throw error;
  }
  return { file: folder, rows };
}
