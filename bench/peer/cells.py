"""NASBench-101 cells with numpy matrices, as nasbench's own ModelSpec has them; REFERENCE.md §2 and §3."""

import hashlib
import random

import numpy as np

INPUT, OUTPUT = "input", "output"
OPS = ["conv1x1-bn-relu", "conv3x3-bn-relu", "maxpool3x3"]
HASH_OPS = ["conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3"]
LENGTH, MAX_VERTICES, MAX_EDGES = 27, 7, 9


def prune(matrix, ops):
    """Without the vertices that are not on a path from input to output; None where there is no such path."""
    last = len(ops) - 1
    forward, backward = {0}, {last}
    for v in range(1, last + 1):
        if any(matrix[w, v] for w in forward if w < v):
            forward.add(v)
    for v in range(last - 1, -1, -1):
        if any(matrix[v, w] for w in backward if w > v):
            backward.add(v)
    keep = sorted(forward & backward)
    if 0 not in keep or last not in keep:
        return None
    return matrix[np.ix_(keep, keep)], [ops[v] for v in keep]


def encode(matrix, ops):
    """Token sequence, padded to 27."""
    tokens = []
    for v in range(1, len(ops)):
        tokens += [2 if matrix[w, v] else 1 for w in range(v)]
        tokens.append(6 if ops[v] == OUTPUT else 3 + OPS.index(ops[v]))
    return tokens + [0] * (LENGTH - len(tokens))


def decode(tokens):
    """Matrix and ops of a sequence, pruned and checked against the limits; None where it is no cell."""
    if 6 not in tokens:
        return None
    tokens = tokens[: tokens.index(6) + 1]
    vertices = next((n for n in range(2, MAX_VERTICES + 1) if (n + 2) * (n - 1) // 2 == len(tokens)), None)
    if vertices is None:
        return None
    matrix, ops, at = np.zeros((vertices, vertices), dtype=int), [INPUT], 0
    for v in range(1, vertices):
        for w in range(v):
            if tokens[at] not in (1, 2):
                return None
            matrix[w, v] = tokens[at] - 1
            at += 1
        if v < vertices - 1 and tokens[at] not in (3, 4, 5):
            return None
        ops.append(OUTPUT if v == vertices - 1 else OPS[tokens[at] - 3])
        at += 1
    pruned = prune(matrix, ops)
    return pruned if pruned and pruned[0].sum() <= MAX_EDGES else None


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def hash_cell(matrix, ops):
    """The iterated neighbourhood hash of nasbench."""
    labels = [-1] + [HASH_OPS.index(op) for op in ops[1:-1]] + [-2]
    n = len(ops)
    hashes = [md5(str(h)) for h in zip(matrix.sum(axis=1).tolist(), matrix.sum(axis=0).tolist(), labels)]
    for _ in range(n):
        into = [sorted(hashes[w] for w in range(n) if matrix[w, v]) for v in range(n)]
        out = [sorted(hashes[w] for w in range(n) if matrix[v, w]) for v in range(n)]
        hashes = [md5("".join(into[v]) + "|" + "".join(out[v]) + "|" + hashes[v]) for v in range(n)]
    return md5(str(sorted(hashes)))


def is_whole(matrix, ops):
    pruned = prune(matrix, ops)
    return pruned is not None and len(pruned[1]) == len(ops) and matrix.sum() <= MAX_EDGES


def flip_edges(matrix, ops, count):
    """`count` random entries of the upper triangle flipped, up to 21 tries; None where none was valid."""
    entries = list(zip(*np.triu_indices(len(ops), 1)))
    if count > len(entries):
        return None
    for _ in range(21):
        changed = matrix.copy()
        for at in random.sample(entries, count):
            changed[at] ^= 1
        if is_whole(changed, ops):
            return changed
    return None


def change_ops(ops, count):
    if len(ops) - 2 < count:
        return None
    changed = list(ops)
    for v in random.sample(range(1, len(ops) - 1), count):
        changed[v] = random.choice([op for op in OPS if op != ops[v]])
    return changed


def delete_vertex(matrix, ops):
    degree = matrix.sum(axis=0) + matrix.sum(axis=1)
    whole = []
    for v in range(1, len(ops) - 1):
        if degree[v] == 2:
            rest = np.delete(np.delete(matrix, v, 0), v, 1), ops[:v] + ops[v + 1 :]
            if is_whole(*rest):
                whole.append(rest)
    return random.choice(whole) if whole else None


def edit(matrix, ops, distance):
    x = random.random()
    if distance == 1:
        op_edits, edges = (1, 0) if x < 1 / 2 else (0, 1)
    elif distance == 2:
        op_edits, edges = (2, 0) if x < 1 / 3 else (1, 1) if x < 2 / 3 else (0, 2)
    elif x < 0.1:
        return delete_vertex(matrix, ops)
    else:
        op_edits, edges = (3, 0) if x < 0.4 else (2, 1) if x < 0.7 else (1, 2)
    if op_edits:
        ops = change_ops(ops, op_edits)
    if ops and edges:
        matrix = flip_edges(matrix, ops, edges)
    return None if ops is None or matrix is None else (matrix, ops)


def positive(matrix, ops):
    """A cell 1 to 3 edits away (§3); the anchor itself after three attempts."""
    for _ in range(3):
        edited = edit(matrix, ops, random.randint(1, 3))
        if edited:
            return edited
    return matrix, ops
