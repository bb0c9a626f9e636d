import { concat, defer, from, map, type Observable, tap } from 'rxjs';
import { type DownloadOptions, download, type PublishedFile } from '../core/benchmark/import/download.js';
import {
  type ImportOptions,
  type ImportResult,
  importBenchmark as read,
} from '../core/benchmark/import/index.js';

export interface ImportBenchmarkOptions extends Omit<ImportOptions, 'from'> {
  /** The source: a file, or what is fetched first. */
  from: string | (PublishedFile & DownloadOptions);
}

export interface ImportEvent {
  stage: 'download' | 'read';
  /** Bytes. */
  done: number;
  /** 0 where it is not known. */
  total: number;
  /** With the last event, when the table is there. */
  result?: ImportResult;
}

/**
 * Import a benchmark: (download →) read and check → one compact table. Unsubscribing stops it: what was fetched is kept for the next time,
 * of the table nothing is left.
 */
export function importBenchmark({
  from: source,
  ...options
}: ImportBenchmarkOptions): Observable<ImportEvent> {
  const reading = (file: string) =>
    defer(() => from(read({ ...options, from: file }))).pipe(
      map((step) => ({ stage: 'read' as const, ...step })),
    );
  if (typeof source === 'string') return reading(source);
  return defer(() => {
    let file: string | undefined;
    const fetched = from(download(source, source)).pipe(
      tap((progress) => {
        file = progress.file;
      }),
      map(({ done, total }) => ({ stage: 'download' as const, done, total })),
    );
    return concat(
      fetched,
      defer(() => reading(file!)),
    );
  });
}
