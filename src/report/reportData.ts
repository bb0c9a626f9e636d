import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { EventRow } from '../core/batch/index.js';
import { benchmarks } from '../core/benchmark/index.js';
import { given } from '../core/given.js';
import { type Manifest, runState, type StoredRun } from '../core/run/index.js';
import { headlineOf } from '../core/spec/differences.js';
import { version } from '../core/version.js';
import { comparisonOf } from './comparison.js';
import type { Figure, ReportModel, RunModel, Unit } from './model.js';
import { panelsOf } from './panels.js';
import { RunRows } from './runRows.js';

/** A run, its rows, and what it has not logged yet: of a sweep that goes on, how its variants have done so far. */
export interface ReadRun {
  run: StoredRun;
  rows: RunRows;
  summaries?: readonly EventRow<'summary'>[];
  /** Pretrainings of a sweep, which are runs of their own, that its curves show. */
  pretrainings?: readonly StoredRun[];
}

/** A run and its rows, as they stand now; it may still be written. Throws exit code 3 where the log cannot be read. */
export function readRun(run: StoredRun): ReadRun {
  const rows = new RunRows();
  for (const record of run.records({ events: RunRows.events })) rows.add(record);
  return { run, rows };
}

/** What a report on runs shows. */
export function reportModel(read: readonly ReadRun[], { title }: { title?: string } = {}): ReportModel {
  const names = namesOf(read.map(({ run }) => run));
  const panels = panelsOf(
    read.flatMap(({ run, rows, pretrainings = [] }, i) => [
      { name: names[i]!, group: groupOf(run.manifest), rows },
      ...pretrainings.map((own) => ({
        name: basename(own.dir),
        group: groupOf(own.manifest),
        rows: readRun(own).rows,
      })),
    ]),
  );
  const models = read.map(({ run, rows }, i) => runModel(run, rows, names[i]!));
  return {
    title: title ?? (models.length === 1 ? models[0]!.name : `${models.length} runs`),
    made: new Date().toISOString(),
    version,
    runs: models,
    panels,
    comparisons: read.flatMap(({ run, rows, summaries = [] }, i) => {
      const ended = rows.summaries.length > 0;
      return (
        comparisonOf(names[i]!, ended ? rows.summaries : summaries, {
          ended,
          ...given({ benchmark: benchmarkText(run.manifest) }),
        }) ?? []
      );
    }),
  };
}

/** What the runs are called: by their folders; where two are called the same, by their places. */
function namesOf(runs: readonly StoredRun[]): string[] {
  const names = runs.map(({ dir }) => basename(dir));
  return runs.map(({ dir }, i) =>
    names.indexOf(names[i]!) === names.lastIndexOf(names[i]!) ? names[i]! : dir,
  );
}

/** What runs that are averaged have in common. */
const groupOf = ({ kind, spec }: Manifest): string => {
  const { loss, searcher, benchmark } = headlineOf(spec);
  return [searcher ?? loss ?? kind, benchmark && `on ${benchmark}`].filter(Boolean).join(' ');
};

function runModel({ dir, manifest }: StoredRun, rows: RunRows, name: string): RunModel {
  const { loss, searcher, benchmark } = headlineOf(manifest.spec);
  return {
    name,
    kind: manifest.kind,
    state: runState(dir, manifest),
    headline: [loss, searcher, benchmark].filter(Boolean).join(' · '),
    facts: factsOf(manifest),
    figures: figuresOf(manifest, rows),
    warnings: rows.warnings,
    stages: rows.stages.map(({ buffered: _, ...stage }) => stage),
    spec: readFileSync(join(dir, 'spec.lock.yaml'), 'utf8'),
    reproduce: reproduce(manifest),
  };
}

/** What a run's benchmark says of itself, e.g. that its validation accuracies are simulated. */
function benchmarkText({ spec }: Manifest): string | undefined {
  const { benchmark } = headlineOf(spec);
  const summary = benchmarks.find(({ name }) => name === benchmark?.split(/[:#]/)[0])?.summary;
  return benchmark && [benchmark, summary].filter(Boolean).join(': ');
}

function factsOf(manifest: Manifest) {
  const { created, finished, seed, engine, versions, data, git, tags, note } = manifest;
  const took = finished && durationOf(Date.parse(finished) - Date.parse(created));
  const facts: [string, string | undefined][] = [
    ['made', `${created.slice(0, 16).replace('T', ' ')} UTC`],
    ['took', took],
    ['benchmark', benchmarkText(manifest)],
    ['seed', String(seed)],
    [
      'engine',
      engine &&
        `${engine.name}${engine.threads ? `, ${engine.threads} ${engine.threads === 1 ? 'thread' : 'threads'}` : ''}`,
    ],
    ...Object.entries(versions),
    ['git', git && `${git.commit.slice(0, 12)}${git.dirty ? ', with changes' : ''}`],
    ['tags', tags.join(', ') || undefined],
    ['note', note],
    ...Object.entries(data).map(([file, hash]): [string, string] => [`SHA-256 of ${file}`, hash]),
  ];
  return facts.filter((fact): fact is [string, string] => fact[1] !== undefined);
}

function durationOf(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}

const fractions = /^(best_)?(test|validation|regret|accuracy)$/;

/** The numbers of the summary; of a run that has none yet, those of its newest rows. */
function figuresOf({ summary }: Manifest, rows: RunRows): Figure[] {
  return Object.entries(summary ?? rows.newest()).flatMap(([name, value]): Figure[] => {
    if (typeof value !== 'number') return [];
    const unit: Unit = fractions.test(name) ? 'fraction' : Number.isInteger(value) ? 'count' : 'number';
    return [{ name: name.replaceAll('_', ' '), value, unit }];
  });
}

/** Commands for the folder of a copy of the run. */
function reproduce({ id, kind, spec }: Manifest): string[] {
  const has = (field: string) => typeof spec === 'object' && spec !== null && field in spec;
  if (kind === 'sweep')
    return has('sweep') ? [`rxnas sweep ${id}/spec.lock.yaml --out runs/${id}-again`] : [];
  const isSettings = kind === 'pretrain' || kind.startsWith('search-'); // of rxnas 0.1
  return [
    ...(has('pipeline') ? [`rxnas run ${id}/spec.lock.yaml --out runs/${id}-again`] : []),
    ...(has('pipeline') || isSettings ? [`rxnas replay ${id} --verify`] : []),
  ];
}
