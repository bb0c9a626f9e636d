"""Writes a file in the layout of NAS-Bench-101's own nasbench_only108.tfrecord or nasbench_full.tfrecord.

Framing and checksums are those of TensorFlow's own writer (tf.io.TFRecordWriter), the metrics those of Google's
protobuf for the published schema (nasbench/lib/model_metrics.proto); nothing of rxnas has a part in it. Cells,
parameters and the mean test accuracy after 108 epochs are those of the table that is given (columns module_hash,
num_vertices, edge_bits, interior_ops, trainable_parameters, and --accuracy); all other figures are made up from
the seed. They are float32, as TensorFlow computes them, and the records are shuffled, so that the repeats of a
cell lie apart.

    python nasbench_tfrecord.py --table nasbench101.parquet --out only108.tfrecord

Needs tensorflow (tensorflow-cpu), protobuf and pyarrow. `--truth` writes what a reader has to find, cell by cell.
"""

import argparse
import base64
import json
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pyarrow.parquet as pq
import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

OPS = ["conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3"]
REPEATS = 3


def model_metrics():
    """The message class of nasbench/lib/model_metrics.proto."""
    field = descriptor_pb2.FieldDescriptorProto
    schema = descriptor_pb2.FileDescriptorProto(name="model_metrics.proto", package="nasbench", syntax="proto2")
    evaluation = schema.message_type.add(name="EvaluationData")
    names = ["current_epoch", "training_time", "train_accuracy", "validation_accuracy", "test_accuracy"]
    for number, name in enumerate(names, 1):
        evaluation.field.add(name=name, number=number, type=field.TYPE_DOUBLE, label=field.LABEL_OPTIONAL)
    evaluation.field.add(name="checkpoint_path", number=6, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    metrics = schema.message_type.add(name="ModelMetrics")
    metrics.field.add(name="evaluation_data", number=1, type=field.TYPE_MESSAGE, label=field.LABEL_REPEATED,
                      type_name=".nasbench.EvaluationData")
    metrics.field.add(name="trainable_parameters", number=2, type=field.TYPE_INT32, label=field.LABEL_OPTIONAL)
    metrics.field.add(name="total_time", number=3, type=field.TYPE_DOUBLE, label=field.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(schema)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("nasbench.ModelMetrics"))


def graph(vertices, edge_bits, interior):
    """raw_adjacency and raw_operations of a cell."""
    matrix = [["0"] * vertices for _ in range(vertices)]
    for y in range(vertices):
        for x in range(y):
            if edge_bits >> (x + y * (y - 1) // 2) & 1:
                matrix[x][y] = "1"
    ops = ["input"] + [OPS[int(digit)] for digit in interior] + ["output"]
    return "".join("".join(row) for row in matrix), ",".join(ops)


def figures(test, seconds, epochs, random):
    """[cells, repeats, 3 evaluations, 4]: seconds, train, validation, test; float32."""
    shape = (len(test), REPEATS)
    out = np.zeros((*shape, 3, 4), np.float32)
    spread = random.normal(0, 0.002, shape)
    spread -= spread.mean(axis=1, keepdims=True)
    final = test[:, None] * (1 - 0.5 / epochs if epochs < 108 else 1) + spread
    for place, share in ((0, None), (1, 0.9), (2, 1.0)):
        known = np.full(shape, 0.1) if share is None else np.clip(final * share, 0, 1)
        noise = random.normal(0.004, 0.002, shape) if share else 0
        out[:, :, place, 0] = seconds[:, None] * (epochs / 108) * place / 2 * random.uniform(0.99, 1.01, shape)
        out[:, :, place, 1] = np.clip(known + 0.05 * (share or 0), 0, 1)
        out[:, :, place, 2] = np.clip(known + noise, 0, 1)
        out[:, :, place, 3] = known
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--table", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--epochs", default="108", help="e.g. 4,12,36,108 for the layout of nasbench_full")
    parser.add_argument("--accuracy", default="test_accuracy_108_mean", help="column of the mean test accuracy")
    parser.add_argument("--cells", type=int, help="only so many cells, spread over the table")
    parser.add_argument("--truth", help="write the figures as JSON too")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    table = pq.read_table(args.table).to_pydict()
    rows = np.arange(len(table["module_hash"]))
    if args.cells:
        rows = rows[:: max(1, len(rows) // args.cells)][: args.cells]
    column = lambda name: [table[name][row] for row in rows]
    hashes, parameters = column("module_hash"), column("trainable_parameters")
    graphs = [graph(*cell) for cell in zip(column("num_vertices"), column("edge_bits"), column("interior_ops"))]
    test = np.array(column(args.accuracy))
    seconds = np.array([600 + p / 10000 for p in parameters])

    random = np.random.default_rng(args.seed)
    every = [int(e) for e in args.epochs.split(",")]
    values = {epochs: figures(test, seconds, epochs, random) for epochs in every}
    order = random.permutation(len(rows) * len(every) * REPEATS)
    Metrics = model_metrics()
    truth = {}
    with tf.io.TFRecordWriter(args.out) as writer:
        for place in order:
            cell, rest = divmod(int(place), len(every) * REPEATS)
            epochs, repeat = every[rest // REPEATS], rest % REPEATS
            metrics = Metrics(trainable_parameters=parameters[cell])
            for share, (time, train, validation, tested) in zip((0, 0.5, 1), values[epochs][cell, repeat].tolist()):
                metrics.evaluation_data.add(current_epoch=share * epochs, training_time=time, train_accuracy=train,
                                            validation_accuracy=validation, test_accuracy=tested)
            metrics.total_time = 1.1 * time
            raw = base64.b64encode(metrics.SerializeToString()).decode()
            writer.write(json.dumps([hashes[cell], epochs, *graphs[cell], raw]).encode())
            if args.truth:
                found = truth.setdefault(hashes[cell], {"parameters": parameters[cell]})
                found.setdefault(str(epochs), []).append(values[epochs][cell, repeat].tolist())
    if args.truth:
        with open(args.truth, "w") as file:
            json.dump(truth, file)


main()
