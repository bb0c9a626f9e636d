/**
 * A batch's classes as core/distances/classes.ts has them: class of each row [n] (i32), where the pairs of each anchor begin [n + 1], the
 * positive of each pair.
 */

/** First pair of anchor a; those of a + 1 follow. */
// @ts-ignore: decorator
@inline
export function pairBegin(pairStart: usize, a: i32): i32 {
  return load<i32>(pairStart + (<usize>a << 2));
}

/** Row that is the positive of pair k. */
// @ts-ignore: decorator
@inline
export function positiveOf(positive: usize, k: i32): i32 {
  return load<i32>(positive + (<usize>k << 2));
}
