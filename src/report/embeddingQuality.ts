import type { Locality, Surrogates } from '../analytics/embeddingQuality.js';

/** What is reported of one encoder. */
interface Quality {
  locality: Locality;
  decoding: { valid: number; same: number; tokens: number };
  accuracy?: Surrogates;
}

/** A figure of embeddings: what it is called, and its text for one of them. */
export interface QualityLine {
  name: string;
  text(quality: Quality): string;
}

const number = (value: number) => value.toFixed(3);
const percent = (value: number) => `${(100 * value).toFixed(2)} %`;

/** The lines of the table, in its order; `example` says which sample sizes there are. */
export function qualityLines({ locality, accuracy }: Quality): QualityLine[] {
  const last = locality.byDistance.length - 1;
  return [
    {
      name: 'rank correlation of embedding and edit distance',
      text: (q) => number(q.locality.correlation),
    },
    ...locality.byDistance.map(({ distance, pairs }, i) => ({
      name: `embedding distance, ${i < last ? distance : `more than ${last}`} ${i === 0 ? 'edit' : 'edits'} apart (${pairs.toLocaleString('en-US')} pairs)`,
      text: (q: Quality) => number(q.locality.byDistance[i]!.mean),
    })),
    {
      name: `nearest ${locality.neighbours} within 3 edits (chance ${percent(locality.chance)})`,
      text: (q) => percent(q.locality.purity),
    },
    ...(accuracy
      ? [
          {
            name: 'accuracy differs between neighbours, of random pairs',
            text: (q: Quality) => percent(q.accuracy!.roughness),
          },
          ...accuracy.surrogates.flatMap(({ train }, i) => [
            {
              name: `rank correlation of a linear probe, ${train.toLocaleString('en-US')} cells`,
              text: (q: Quality) => number(q.accuracy!.surrogates[i]!.linear),
            },
            {
              name: `rank correlation of 5 nearest neighbours, ${train.toLocaleString('en-US')} cells`,
              text: (q: Quality) => number(q.accuracy!.surrogates[i]!.nearest),
            },
          ]),
        ]
      : []),
    { name: 'decoded to a valid cell', text: (q) => percent(q.decoding.valid) },
    { name: 'decoded to the same cell', text: (q) => percent(q.decoding.same) },
    { name: 'tokens that come back', text: (q) => percent(q.decoding.tokens) },
  ];
}
