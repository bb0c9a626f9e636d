/**
 * One LSTM over a chunk, either way along the sequence; gates in PyTorch's order i f g o (REFERENCE §4).
 * `state` (layout.ts) keeps what the backward pass needs: activated gates, cells, tanh(cells).
 */
import { HALF, ROW, gather, scatterAdd } from './lanes';
import { D, L, kHidden, kHiddenT, lCells, lTanhCells, stride1, stride4 } from './layout';
import { sigmoidRows, tanhRows } from './math';
import { mulAdd } from './mulAdd';
import { addOuter, addProduct, product } from './products';

/** gates ← W·input + biases + W_hh·h, activated: one step's gates, [4D]. `h` = 0: the zero state. */
export function lstmGates(gates: usize, lstm: usize, tokens: usize, h: usize): void {
  gather(gates, lstm, 4 * D, tokens);
  if (h) addProduct(gates, lstm + kHidden, h, 4 * D, D);
  const g = gates + <usize>(2 * D) * ROW;
  const o = gates + <usize>(3 * D) * ROW;
  sigmoidRows(gates, gates, 2 * D);
  tanhRows(g, g, D);
  sigmoidRows(o, o, D);
}

/** cells ← f·previous + i·g; tanhCells ← tanh(cells); hidden ← o·tanhCells, [D] each. */
export function lstmCell(cells: usize, tanhCells: usize, hidden: usize, gates: usize, previous: usize): void {
  const quarter = <usize>D * ROW;
  const f = gates + quarter;
  const g = f + quarter;
  const o = g + quarter;
  for (let j: usize = 0; j < quarter; j += HALF) {
    const kept = f32x4.mul(v128.load(f + j), v128.load(previous + j));
    v128.store(cells + j, mulAdd(v128.load(gates + j), v128.load(g + j), kept));
  }
  tanhRows(tanhCells, cells, D);
  for (let j: usize = 0; j < quarter; j += HALF) {
    v128.store(hidden + j, f32x4.mul(v128.load(o + j), v128.load(tanhCells + j)));
  }
}

/**
 * Forward over the sequence. `tokens` int32 [L][lane]; `hidden` receives h, `hiddenStride` bytes between positions;
 * `h0`, `c0` are the initial state, [D] each; `h0` = 0 stands for zeros, `c0` always points to rows.
 */
export function lstmForward(
  state: usize, lstm: usize, tokens: usize, hidden: usize, hiddenStride: usize, h0: usize, c0: usize, reverse: bool,
): void {
  let h = h0;
  let c = c0;
  for (let step = 0; step < L; step++) {
    const t = <usize>(reverse ? L - 1 - step : step);
    const gates = state + t * stride4;
    const cells = state + lCells + t * stride1;
    const out = hidden + t * hiddenStride;
    lstmGates(gates, lstm, tokens + t * ROW, h);
    lstmCell(cells, state + lTanhCells + t * stride1, out, gates, c);
    h = out;
    c = cells;
  }
}

/**
 * One step back through the gates. On entry `dh` and `dc` [D] hold the gradients of this step's hidden and cell state, on return
 * `dc` that of the previous cell state; `dGates` [4D] those before activation.
 */
export function lstmCellBackward(dGates: usize, dh: usize, dc: usize, gates: usize, tanhCells: usize, previous: usize): void {
  const quarter = <usize>D * ROW;
  const one = f32x4.splat(1);
  for (let j: usize = 0; j < quarter; j += HALF) {
    const i = v128.load(gates + j);
    const f = v128.load(gates + quarter + j);
    const g = v128.load(gates + 2 * quarter + j);
    const o = v128.load(gates + 3 * quarter + j);
    const t = v128.load(tanhCells + j);
    const h_ = v128.load(dh + j);
    const c_ = mulAdd(f32x4.mul(h_, o), f32x4.sub(one, f32x4.mul(t, t)), v128.load(dc + j));
    const i_ = f32x4.mul(f32x4.mul(c_, g), f32x4.mul(i, f32x4.sub(one, i)));
    const f_ = f32x4.mul(f32x4.mul(c_, v128.load(previous + j)), f32x4.mul(f, f32x4.sub(one, f)));
    const g_ = f32x4.mul(f32x4.mul(c_, i), f32x4.sub(one, f32x4.mul(g, g)));
    const o_ = f32x4.mul(f32x4.mul(h_, t), f32x4.mul(o, f32x4.sub(one, o)));
    v128.store(dGates + j, i_);
    v128.store(dGates + quarter + j, f_);
    v128.store(dGates + 2 * quarter + j, g_);
    v128.store(dGates + 3 * quarter + j, o_);
    v128.store(dc + j, f32x4.mul(c_, f));
  }
}

/**
 * Backward over the sequence of {@link lstmForward}. `dHidden` [L] × D at `hiddenStride` is what reaches h from outside. Adds to
 * `gateSums` [V][4D] and `hiddenSums` [4D][D]; leaves the gradients of h0 and c0 in `dState` (2·D rows). `dGates` is scratch.
 */
export function lstmBackward(
  gateSums: usize, hiddenSums: usize, dState: usize, dGates: usize, dHidden: usize, state: usize, lstm: usize, tokens: usize,
  hidden: usize, hiddenStride: usize, h0: usize, c0: usize, reverse: bool,
): void {
  const rows = <usize>D * ROW;
  const dh = dState;
  const dc = dState + rows;
  memory.fill(dState, 0, 2 * rows);
  for (let step = L - 1; step >= 0; step--) {
    const t = <usize>(reverse ? L - 1 - step : step);
    const before = reverse ? t + 1 : t - 1;
    const previous = step ? state + lCells + before * stride1 : c0;
    const outside = dHidden + t * hiddenStride;
    for (let j: usize = 0; j < rows; j += HALF) {
      v128.store(dh + j, f32x4.add(v128.load(dh + j), v128.load(outside + j)));
    }
    const d = dGates + t * stride4;
    lstmCellBackward(d, dh, dc, state + t * stride4, state + lTanhCells + t * stride1, previous);
    scatterAdd(gateSums, d, 4 * D, tokens + t * ROW);
    if (step || h0) product(dh, lstm + kHiddenT, d, D, 4 * D);
  }
  // Each step's gate gradients meet the hidden state of the step before.
  const later = reverse ? <usize>0 : stride4;
  const earlier = reverse ? hiddenStride : <usize>0;
  addOuter(hiddenSums, dGates + later, stride4, hidden + earlier, hiddenStride, L - 1, 4 * D, D);
  if (h0) addOuter(hiddenSums, dGates, stride4, h0, hiddenStride, 1, 4 * D, D);
}
