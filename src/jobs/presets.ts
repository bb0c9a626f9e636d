/**
 * Settings under a name. What a user sets stands above a preset, a preset above the defaults in settings.ts.
 *
 * `default` repairs the quirks of the paper's own system; `reference` has them, to the letter of REFERENCE §5–7 and §9:
 *
 * | quirk | `reference` | `default` |
 * |---|---|---|
 * | order of the anchors | the same in every epoch | drawn for each epoch |
 * | anchors of a batch | as they come: some lie within the edits of another's class (false negatives) | at least 4 edits apart, where that can be |
 * | what is one query | a sequence: isomorphic copies and decoded sequences that prune to one cell count again | a cell |
 * | new cells a round | 129, as its loop breaks one late | 128 |
 * | inner epochs a round | 99, where its configuration says 100 | 100 |
 * | end of the search | after 50 rounds of proposals, however dry | after 3 rounds without a new cell |
 *
 * Not repeated in either: the repeat of a query that it draws without a seed is drawn by the run's seed, so that runs can be replayed, and
 * a batch of one cell does not crash. Loss, miner, weight, batch and learning rate follow the loss in both (REFERENCE §5).
 */
export const presets = {
  pretrain: {
    default: { apart: 4 },
    reference: { samplesPerClass: 8, epochs: 2, milestones: [6000], sameOrder: true, apart: 0 },
  },
  search: {
    default: {},
    reference: {
      initial: 128,
      perRound: 129,
      rounds: 51, // the first sample, then 50 outer epochs
      queries: 128 + 50 * 129,
      patience: 51,
      epochs: 99,
      trainBatch: 64,
      learningRate: 0.1,
      identity: 'sequence',
      targetFloor: 0.8,
    },
  },
} as const satisfies Record<string, Record<string, Record<string, unknown>>>;

export type PresetName = 'default' | 'reference';
export const presetNames: readonly PresetName[] = ['default', 'reference'];

/** Settings of a job on top of a preset. */
export const withPreset = (
  job: keyof typeof presets,
  name: PresetName,
  settings: Record<string, unknown>,
): Record<string, unknown> => ({ ...presets[job][name], ...settings });
