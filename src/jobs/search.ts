import { readManifest } from '../core/run/index.js';
import type { JobOptions, JobResult } from './job.js';
import { specOfRun } from './kinds.js';
import { type Settings, searchSpec } from './settings.js';
import { resumeSpec, type SearchFigures, type SpecResult, type SpecRow, specJob } from './specJob.js';

export type SearchResult = JobResult & SearchFigures;

/** Searches a benchmark and writes the run (the preset `search` with these settings): queries, training metrics, checkpoints, embeddings. */
export async function searchJob(settings: Settings, options: JobOptions<SpecRow>): Promise<SearchResult> {
  return resultOf(await specJob(await searchSpec(settings), options));
}

/** Goes on with a search that was stopped, from the end of its last whole round, to the bits that it would have had. */
export async function resumeSearch(dir: string, options: JobOptions<SpecRow>): Promise<SearchResult> {
  return resultOf(await resumeSpec(dir, await specOfRun(readManifest(dir)), options));
}

const resultOf = ({ dir, status, search }: SpecResult): SearchResult => ({ dir, status, ...search! });
