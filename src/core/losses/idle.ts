import type { Selection } from '../miners/index.js';

/** Nothing was mined. */
export const nothing = (selection: Selection) => selection.positives === 0 && selection.negatives === 0;

/** No triplet was mined, or none follows from the mined pairs. */
export const noTriplet = (selection: Selection) => selection.triplets().size === 0;

/** No positive pair or no negative pair. */
export const oneSided = (selection: Selection) => selection.positives === 0 || selection.negatives === 0;

/** The reference's pair losses are 0 also where exactly one tuple was mined; REFERENCE §5. */
export const atMostOne = (selection: Selection) => selection.positives <= 1 && selection.negatives <= 1;

export const atMostOneOrOneSided = (selection: Selection) => atMostOne(selection) || oneSided(selection);
