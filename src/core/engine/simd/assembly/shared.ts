/**
 * The encoder's two LSTMs over a group of cells at once, for what only reads the weights. After the same tokens an LSTM is in the
 * same state: each state is computed once, and cells that share their beginnings (or, for the LSTM that runs backwards, their ends)
 * share states. What a state holds does not depend on its neighbours in the lanes, so the bits are those of encoder.ts.
 */
import { LANES, ROW, gather, storeRows } from './lanes';
import {
  D, GROUP, L, V,
  aHidden,
  groupStride, kForward, kReverse, kZeros, lCells, lTanhCells, stride2,
  wChildren, wDecoder, wForwardNumbers, wForwardTable, wGroupCells, wHidden, wInputs, wNoNumbers, wParents, wReverseNumbers,
  wReverseTable, wState_,
} from './layout';
import { lstmCell, lstmGates } from './lstm';

/** States of a step, or cells, as int32. */
const numberBytes: usize = <usize>GROUP << 2;

/** Both LSTMs over the cells tokens [rows][L], rows ≤ GROUP; then {@link loadHidden} finds their hidden states. */
export function shareLstms(workspace: usize, tokens: usize, rows: i32, packed: usize): void {
  const zeros = packed + kZeros;
  memory.fill(workspace + wNoNumbers, 0, numberBytes);
  shareLstm(workspace, workspace + wForwardTable, workspace + wForwardNumbers, packed + kForward, tokens, rows, zeros, false);
  shareLstm(workspace, workspace + wReverseTable, workspace + wReverseNumbers, packed + kReverse, tokens, rows, zeros, true);
}

/** Hidden states of both LSTMs of the group's cells `first` … `first` + 7 into the lanes of `activations`. */
export function loadHidden(activations: usize, workspace: usize, first: i32): void {
  const at = <usize>first << 2;
  for (let t: usize = 0; t < <usize>L; t++) {
    const hidden = activations + aHidden + t * stride2;
    const numbers = t * numberBytes + at;
    gather(hidden, workspace + wForwardTable + t * groupStride, D, workspace + wForwardNumbers + numbers);
    gather(hidden + <usize>D * ROW, workspace + wReverseTable + t * groupStride, D, workspace + wReverseNumbers + numbers);
  }
}

/**
 * One LSTM over the group, either way. `table` [L][GROUP][D] receives the hidden states of each step by their numbers,
 * `numbers` int32 [L][GROUP] each cell's number.
 */
function shareLstm(
  workspace: usize, table: usize, numbers: usize, lstm: usize, tokens: usize, rows: i32, zeros: usize, reverse: bool,
): void {
  const gates = workspace + wDecoder;
  const h = workspace + wState_;
  const c = h + <usize>D * ROW;
  let cells = workspace + wGroupCells;
  let cellsBefore = cells + groupStride;
  let numbersBefore = workspace + wNoNumbers;
  let tableBefore: usize = 0;
  let count = 1;
  for (let step = 0; step < L; step++) {
    const t = <usize>(reverse ? L - 1 - step : step);
    const numbersNow = numbers + t * numberBytes;
    const tableNow = table + t * groupStride;
    count = numberStates(
      numbersNow, numbersBefore, workspace + wParents, workspace + wInputs, tokens + (t << 2), rows, count, workspace + wChildren,
    );
    for (let first: usize = 0; first < <usize>count; first += LANES) {
      const at = first << 2;
      if (step) {
        gather(h, tableBefore, D, workspace + wParents + at);
        gather(c, cellsBefore, D, workspace + wParents + at);
      }
      lstmGates(gates, lstm, workspace + wInputs + at, step ? h : 0);
      lstmCell(gates + lCells, gates + lTanhCells, workspace + wHidden, gates, step ? c : zeros);
      storeRows(tableNow + at * D, workspace + wHidden, D);
      storeRows(cells + at * D, gates + lCells, D);
    }
    const other = cellsBefore;
    cellsBefore = cells;
    cells = other;
    numbersBefore = numbersNow;
    tableBefore = tableNow;
  }
}

/**
 * Number the states after one more token: cells that were in the same state and have the same token share one, in the order in which
 * they come. `before` and `after` int32 [GROUP] are the cells' states, `parents` and `inputs` int32 [GROUP] receive each new
 * state's state before and token, all filled up to whole lanes. `tokens` is the first cell's, the others' follow L apart; `states`
 * counts those before; `children` int32 [states][V] is scratch. Returns the number of new states.
 */
export function numberStates(
  after: usize, before: usize, parents: usize, inputs: usize, tokens: usize, rows: i32, states: i32, children: usize,
): i32 {
  memory.fill(children, 0xff, <usize>(states * V) << 2);
  let count = 0;
  for (let row = 0; row < rows; row++) {
    const parent = load<i32>(before + (<usize>row << 2));
    const token = load<i32>(tokens + (<usize>(row * L) << 2));
    const child = children + (<usize>(parent * V + token) << 2);
    let state = load<i32>(child);
    if (state < 0) {
      state = count++;
      store<i32>(child, state);
      store<i32>(parents + (<usize>state << 2), parent);
      store<i32>(inputs + (<usize>state << 2), token);
    }
    store<i32>(after + (<usize>row << 2), state);
  }
  fillLanes(after, rows);
  fillLanes(parents, count);
  fillLanes(inputs, count);
  return count;
}

/** x[i] ← 0 from `count` up to whole lanes. */
function fillLanes(x: usize, count: i32): void {
  const end = (count + LANES - 1) & ~(LANES - 1);
  memory.fill(x + (<usize>count << 2), 0, <usize>(end - count) << 2);
}
