/**
 * Miners and losses written down as their definitions say, by loops over listed tuples: slow, obvious, and sharing no line with what it
 * checks. Parameters are given in full.
 */
export type Rows = readonly (readonly number[])[];

export interface Tuples {
  triplets: [a: number, p: number, n: number][];
  /** With repetition where they come from triplets. */
  positives: [a: number, p: number][];
  negatives: [a: number, n: number][];
  mined: boolean;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]) => sum(values) / values.length;
const dot = (x: readonly number[], y: readonly number[]) => sum(x.map((value, d) => value * y[d]!));
const norm = (x: readonly number[]) => Math.sqrt(dot(x, x));
const relu = (x: number) => Math.max(0, x);
const lse = (values: readonly number[]) =>
  values.length === 0 ? 0 : Math.log(sum(values.map((value) => Math.exp(value))));
const radians = (degrees: number) => (degrees * Math.PI) / 180;

export const normalise = (rows: Rows): Rows =>
  rows.map((row) => row.map((value) => value / Math.max(norm(row), 1e-12)));

const pairwise = (x: readonly number[], y: readonly number[]) =>
  norm(x.map((value, d) => value - y[d]! + 1e-6));

const values: Record<string, (x: readonly number[], y: readonly number[]) => number> = {
  Cosine: dot,
  Euclidean: (x, y) => norm(x.map((value, d) => value - y[d]!)),
  SquaredEuclidean: (x, y) => norm(x.map((value, d) => value - y[d]!)) ** 2,
  Pairwise: pairwise,
};
const signed = (name: string) => (x: readonly number[], y: readonly number[]) =>
  (name === 'Cosine' ? -1 : 1) * values[name]!(x, y);

export function allTriplets(labels: readonly number[]): [number, number, number][] {
  const list: [number, number, number][] = [];
  labels.forEach((la, a) => {
    labels.forEach((lp, p) => {
      if (lp !== la || p === a) return;
      labels.forEach((ln, n) => {
        if (ln !== la) list.push([a, p, n]);
      });
    });
  });
  return list;
}

function allPairs(labels: readonly number[]) {
  const positives: [number, number][] = [];
  const negatives: [number, number][] = [];
  labels.forEach((la, a) => {
    labels.forEach((lx, x) => {
      if (x !== a) (lx === la ? positives : negatives).push([a, x]);
    });
  });
  return { positives, negatives };
}

const fromTriplets = (triplets: [number, number, number][]): Tuples => ({
  triplets,
  positives: triplets.map(([a, p]) => [a, p]),
  negatives: triplets.map(([a, , n]) => [a, n]),
  mined: true,
});

/** Tuples of a miner; `u` are normalised rows. */
export function mineTuples(
  name: string,
  params: Record<string, unknown>,
  u: Rows,
  labels: readonly number[],
): Tuples {
  const triplets = allTriplets(labels);
  if (name === 'None') return { triplets, ...allPairs(labels), mined: false };
  if (name === 'TripletMargin') {
    const { margin, type, distance } = params as { margin: number; type: string; distance: string };
    const d = signed(distance);
    return fromTriplets(
      triplets.filter(([a, p, n]) => {
        const near = d(u[a]!, u[p]!);
        const far = d(u[a]!, u[n]!);
        const gap = far - near;
        if (type === 'easy') return gap > margin;
        if (type === 'hard') return gap <= margin && far <= near;
        if (type === 'semihard') return gap <= margin && far > near;
        return gap <= margin;
      }),
    );
  }
  if (name === 'Angular') {
    const angle = radians(params.angle as number);
    return fromTriplets(
      triplets.filter(([a, p, n]) => {
        const centre = u[a]!.map((value, d) => (value + u[p]![d]!) / 2);
        return Math.atan(pairwise(u[a]!, u[p]!) / (2 * pairwise(u[n]!, centre))) > angle;
      }),
    );
  }
  const { positives, negatives } = allPairs(labels);
  const rows = labels.map((_, a) => a);
  if (name === 'BatchHard') {
    const d = signed(params.distance as string);
    const hardest: [number, number, number][] = [];
    for (const a of rows) {
      const by = (sign: number) => (x: [number, number], y: [number, number]) =>
        sign * (d(u[a]!, u[x[1]]!) - d(u[a]!, u[y[1]]!)) || x[1] - y[1];
      const [p] = positives.filter(([b]) => b === a).sort(by(-1));
      const [n] = negatives.filter(([b]) => b === a).sort(by(1));
      if (p && n) hardest.push([a, p[1], n[1]]);
    }
    return fromTriplets(hardest);
  }
  if (name === 'MultiSimilarity') {
    const epsilon = params.epsilon as number;
    const s = ([a, x]: [number, number]) => dot(u[a]!, u[x]!);
    const best = (a: number) => Math.max(...negatives.filter(([b]) => b === a).map(s));
    const worst = (a: number) => Math.min(...positives.filter(([b]) => b === a).map(s));
    const order = (x: [number, number], y: [number, number]) => x[0] - y[0] || s(x) - s(y) || x[1] - y[1];
    const chosen = {
      positives: positives.filter((pair) => s(pair) - epsilon < best(pair[0])).sort(order),
      negatives: negatives.filter((pair) => s(pair) + epsilon > worst(pair[0])).sort(order),
    };
    const zipped = rows.flatMap((a) => {
      const ps = chosen.positives.filter(([b]) => b === a);
      const ns = chosen.negatives.filter(([b]) => b === a);
      const length = ps.length > 0 && ns.length > 0 ? Math.max(ps.length, ns.length) : 0;
      return Array.from(
        { length },
        (_, i) => [a, ps[i % ps.length]![1], ns[i % ns.length]![1]] as [number, number, number],
      );
    });
    return { triplets: zipped, ...chosen, mined: true };
  }
  throw new Error(name);
}

const positivePart = (losses: readonly number[]) => {
  const positive = losses.filter((loss) => loss > 0);
  return positive.length === 0 ? 0 : mean(positive);
};

const unique = (list: readonly [number, number][], a: number) => [
  ...new Set(list.filter(([b]) => b === a).map(([, x]) => x)),
];

/** Value of a loss on raw rows and listed tuples, with the reducer of its own. */
export function lossValue(
  name: string,
  params: Record<string, unknown>,
  raw: Rows,
  labels: readonly number[],
  tuples: Tuples,
): number {
  const u = normalise(raw);
  const { triplets, positives, negatives } = tuples;
  const s = (i: number, j: number) => dot(u[i]!, u[j]!);
  const D = (i: number, j: number) => values.Euclidean!(u[i]!, u[j]!);
  const pd = (i: number, j: number) => pairwise(u[i]!, u[j]!);
  const rows = labels.map((_, i) => i);
  const negativesOf = rows.map((a) => negatives.filter(([b]) => b === a));
  const tiny = positives.length <= 1 && negatives.length <= 1;
  const oneSided = positives.length === 0 || negatives.length === 0;
  const number = params as Record<string, number>;

  switch (name) {
    case 'NoMetric':
      return 0;
    case 'TripletMargin': {
      const d = signed(params.distance as string);
      return positivePart(
        triplets.map(([a, p, n]) => relu(d(u[a]!, u[p]!) - d(u[a]!, u[n]!) + number.margin!)),
      );
    }
    case 'Contrastive': {
      if (tiny) return 0;
      const sign = params.distance === 'Cosine' ? -1 : 1;
      const v = values[params.distance as string]!;
      return (
        positivePart(positives.map(([a, p]) => relu(sign * (v(u[a]!, u[p]!) - number.positiveMargin!)))) +
        positivePart(negatives.map(([a, n]) => relu(sign * (number.negativeMargin! - v(u[a]!, u[n]!)))))
      );
    }
    case 'Margin': {
      const pos = triplets.map(([a, p]) => relu(pd(p, a) - number.beta! + number.margin!));
      const neg = triplets.map(([a, , n]) => relu(number.beta! - pd(n, a) + number.margin!));
      const divisor = [...pos, ...neg].filter((loss) => loss > 0).length;
      return divisor === 0 ? 0 : (sum(pos) + sum(neg)) / divisor;
    }
    case 'GeneralizedLiftedStructure':
      if (tiny) return 0;
      return mean(
        rows.map((i) =>
          relu(
            lse(unique(positives, i).map((p) => D(i, p) - number.positiveMargin!)) +
              lse(unique(negatives, i).map((n) => number.negativeMargin! - D(i, n))),
          ),
        ),
      );
    case 'LiftedStructure':
      if (tiny || oneSided) return 0;
      return mean(
        positives.map(([a, p]) => {
          const around = [...negativesOf[a]!, ...negativesOf[p]!];
          const all = lse(around.map(([b, n]) => number.negativeMargin! - D(b, n)));
          return relu(D(a, p) - number.positiveMargin! + all) ** 2 / 2;
        }),
      );
    case 'MultiSimilarity': {
      if (tiny) return 0;
      const { alpha, beta, base } = number as { alpha: number; beta: number; base: number };
      return mean(
        rows.map(
          (i) =>
            Math.log(1 + sum(unique(positives, i).map((p) => Math.exp(-alpha * (s(i, p) - base))))) / alpha +
            Math.log(1 + sum(unique(negatives, i).map((n) => Math.exp(beta * (s(i, n) - base))))) / beta,
        ),
      );
    }
    case 'NPairs': {
      const first = [...new Set(labels)]
        .sort((x, y) => x - y)
        .flatMap((label) => {
          const pair = positives.find(([a]) => labels[a] === label);
          return pair ? [pair] : [];
        });
      if (first.length === 0) return 0;
      return mean(first.map(([a, p]) => lse(first.map(([, q]) => s(a, q))) - s(a, p)));
    }
    case 'Angular': {
      if (oneSided) return 0;
      const t = Math.tan(radians(number.alpha!)) ** 2;
      return mean(
        positives.map(([a, p]) =>
          Math.log(
            1 +
              sum(
                rows
                  .filter((j) => labels[j] !== labels[a])
                  .map((j) => Math.exp(4 * t * (s(a, j) + s(p, j)) - 2 * (1 + t) * s(a, p))),
              ),
          ),
        ),
      );
    }
    case 'TupletMargin': {
      if (tiny || oneSided) return 0;
      const turn = radians(number.margin!);
      return mean(
        positives.map(([a, p]) => {
          const turned = Math.cos(Math.acos(Math.min(1, s(a, p))) - turn);
          const others = negativesOf[a]!;
          return Math.log1p(sum(others.map(([, n]) => Math.exp(number.scale! * (s(a, n) - turned)))));
        }),
      );
    }
    case 'NTXent':
      if (tiny || oneSided) return 0;
      return mean(
        positives.map(([a, p]) => {
          const own = s(a, p) / number.temperature!;
          const others = negativesOf[a]!.map(([, n]) => s(a, n) / number.temperature!);
          return lse([own, ...others]) - own;
        }),
      );
    case 'SupCon':
      if (tiny || oneSided) return 0;
      return positivePart(
        rows.map((i) => {
          const ps = unique(positives, i);
          if (ps.length === 0) return 0;
          const all = [...ps, ...unique(negatives, i)].map((j) => s(i, j) / number.temperature!);
          return -mean(ps.map((p) => s(i, p) / number.temperature! - lse(all)));
        }),
      );
    case 'NCA': {
      if (positives.length === 0 && negatives.length === 0) return 0;
      const occurrences = rows.map((i) =>
        tuples.triplets.length > 0 && tuples.positives.length === tuples.triplets.length && fromSame(tuples)
          ? tuples.triplets.flat().filter((j) => j === i).length
          : [...positives, ...negatives].flat().filter((j) => j === i).length,
      );
      const most = Math.max(...occurrences);
      const losses = rows.flatMap((i) => {
        const power = (j: number) => Math.exp(-number.scale! * D(i, j) ** 2);
        const others = rows.filter((j) => j !== i);
        const same = others.filter((j) => labels[j] === labels[i]);
        if (same.length === 0) return [];
        const weight = tuples.mined ? occurrences[i]! / most : 1;
        return [-weight * Math.log(sum(same.map(power)) / sum(others.map(power)))];
      });
      return losses.length === 0 ? 0 : mean(losses);
    }
    default:
      throw new Error(name);
  }
}

/** True where the pairs are those of the triplets, one by one. */
const fromSame = ({ triplets, positives, negatives }: Tuples) =>
  negatives.length === triplets.length &&
  triplets.every(([a, p, n], i) => {
    const [b, q] = positives[i]!;
    const [c, m] = negatives[i]!;
    return a === b && p === q && a === c && n === m;
  });

/**
 * Circle's gradient holds the weights of the pairs constant: its value with weights taken at `fixed` instead of at `raw`. At raw = fixed it is
 * the loss, and its derivative by `raw` is the gradient.
 */
export function circleValue(
  params: Record<string, unknown>,
  raw: Rows,
  fixed: Rows,
  { positives, negatives }: Tuples,
): number {
  if (positives.length <= 1 && negatives.length <= 1) return 0;
  const { margin: m, gamma } = params as { margin: number; gamma: number };
  const u = normalise(raw);
  const v = normalise(fixed);
  return positivePart(
    raw.map((_, i) => {
      const ps = unique(positives, i);
      const ns = unique(negatives, i);
      if (ps.length === 0 || ns.length === 0) return 0;
      const pull = ps.map((p) => -gamma * relu(1 + m - dot(v[i]!, v[p]!)) * (dot(u[i]!, u[p]!) - (1 - m)));
      const push = ns.map((n) => gamma * relu(dot(v[i]!, v[n]!) + m) * (dot(u[i]!, u[n]!) - m));
      return Math.log(1 + Math.exp(lse(pull) + lse(push)));
    }),
  );
}
