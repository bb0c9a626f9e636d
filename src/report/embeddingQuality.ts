import type { Locality, Surrogates } from '../analytics/embeddingQuality.js';

/** What is reported of one encoder. */
interface Quality {
  locality: Locality;
  decoding: { valid: number; same: number; tokens: number };
  accuracy?: Surrogates;
}

/** A figure of embeddings: what it is called, what it is of one of them, and how such a number is written. */
export interface QualityLine {
  name: string;
  of(quality: Quality): number;
  text(value: number): string;
}

const number = (value: number) => value.toFixed(3);
const percent = (value: number) => `${(100 * value).toFixed(2)} %`;

/** The lines of the table, in its order; `example` says which sample sizes there are. */
export function qualityLines({ locality, accuracy }: Quality): QualityLine[] {
  const last = locality.byDistance.length - 1;
  return [
    {
      name: 'rank correlation of embedding and edit distance',
      of: (q) => q.locality.correlation,
      text: number,
    },
    ...locality.byDistance.map(({ distance, pairs }, i) => ({
      name: `embedding distance, ${i < last ? distance : `more than ${last}`} ${i === 0 ? 'edit' : 'edits'} apart (${pairs.toLocaleString('en-US')} pairs)`,
      of: (q: Quality) => q.locality.byDistance[i]!.mean,
      text: number,
    })),
    {
      name: `nearest ${locality.neighbours} within 3 edits (chance ${percent(locality.chance)})`,
      of: (q) => q.locality.purity,
      text: percent,
    },
    ...(accuracy
      ? [
          {
            name: 'accuracy differs between neighbours, of random pairs',
            of: (q: Quality) => q.accuracy!.roughness,
            text: percent,
          },
          ...accuracy.surrogates.flatMap(({ train }, i) => [
            {
              name: `rank correlation of a linear probe, ${train.toLocaleString('en-US')} cells`,
              of: (q: Quality) => q.accuracy!.surrogates[i]!.linear,
              text: number,
            },
            {
              name: `rank correlation of 5 nearest neighbours, ${train.toLocaleString('en-US')} cells`,
              of: (q: Quality) => q.accuracy!.surrogates[i]!.nearest,
              text: number,
            },
          ]),
        ]
      : []),
    { name: 'decoded to a valid cell', of: (q) => q.decoding.valid, text: percent },
    { name: 'decoded to the same cell', of: (q) => q.decoding.same, text: percent },
    { name: 'tokens that come back', of: (q) => q.decoding.tokens, text: percent },
  ];
}
