"""The 200 steps of weightsHash.mjs in Wasmtime: `node weightsHash.mjs inputs | python weightsHash.py controller.wasm` prints the same hash.

What the engine does around the module (controller.ts, task.ts) stands here once more, for one thread.
"""

import array
import hashlib
import json
import struct
import sys

import wasmtime

LANES = 8
SHARDS = 16
KINDS = {"encode": 0, "pretrain": 1, "search": 2}
# Fields of Task in assembly/steps.ts, four bytes each.
FIELDS = (
    "kind vocabulary length dim predictor packed workspaces rows chunks tokens activations metric targets sums outputs "
    "embeddings predicted decoded tradeoff frozen step"
).split()


class Module:
    """The compiled module on a memory of its own, whose regions are allotted one after the other."""

    def __init__(self, path):
        with open(path, "rb") as file:
            code = file.read()
        # The memory is shared by threads; wasmtime-py cannot import such a one. Nothing else in the module knows of it.
        shared, alone = (b"\x03env\x06memory\x02" + flags for flags in (b"\x03", b"\x01"))
        assert code.count(shared) == 1, "no shared memory is imported"
        self.store = wasmtime.Store()
        module = wasmtime.Module(self.store.engine, code.replace(shared, alone))
        (memory_type,) = (each.type for each in module.imports if each.name == "memory")
        self.memory = wasmtime.Memory(self.store, memory_type)
        linker = wasmtime.Linker(self.store.engine)
        linker.define(self.store, "env", "memory", self.memory)
        self.exports = linker.instantiate(self.store, module).exports(self.store)
        self.top = self.call("heapBase")

    def call(self, name, *arguments):
        return self.exports[name](self.store, *arguments)

    def allot(self, size):
        start = (self.top + 63) & ~63
        self.top = start + size
        missing = self.top - self.memory.data_len(self.store)
        if missing > 0:
            self.memory.grow(self.store, -(-missing // 65536))
        return start

    def write(self, address, data):
        self.memory.write(self.store, data, address)

    def read(self, address, size):
        return self.memory.read(self.store, address, address + size)

    def put(self, code, values):
        data = array.array(code, values).tobytes()
        address = self.allot(len(data))
        self.write(address, data)
        return address


def main():
    given = json.load(sys.stdin)
    config = given["config"]
    module = Module(sys.argv[1])
    module.call("configure", *(config[name] for name in ("vocabulary", "length", "dim", "predictor")))
    rows = len(given["targets"])
    chunks = -(-rows // LANES)
    per_shard = -(-chunks // SHARDS)
    shards = -(-chunks // per_shard)

    parameters, gradient = (module.allot(module.call("sizeOfParameters")) for _ in range(2))
    module.write(parameters, array.array("f", given["weights"]).tobytes())
    packed = module.allot(module.call("sizeOfPacked"))
    regions = {
        **config,
        "packed": packed,
        "workspaces": module.allot(module.call("sizeOfWorkspace")),
        "rows": rows,
        "chunks": per_shard,
        "tokens": module.put("i", given["tokens"]),
        "activations": module.allot(module.call("sizeOfActivations") * chunks),
        "metric": module.put("f", given["metricGradient"]),
        "targets": module.put("f", given["targets"]),
        "sums": module.allot(module.call("sizeOfSums") * SHARDS),
        "embeddings": module.allot(4 * rows * config["dim"]),
        "tradeoff": given["search"]["tradeoff"],
    }
    task = module.allot(4 * len(FIELDS))

    def run(kind):
        values = {**regions, "kind": KINDS[kind]}
        for index, name in enumerate(FIELDS):
            code = "<f" if name in ("tradeoff", "step") else "<I"
            module.write(task + 4 * index, struct.pack(code, values.get(name, 0)))
        for shard in range(shards):
            module.call("runShard", task, shard, 0)

    def descend(learningRate, clipNorm=None, **_):
        module.call("addShards", regions["sums"], shards)
        module.call("gradients", gradient, regions["sums"], parameters)
        norm = module.call("gradientNorm", gradient)
        scale = 1 if clipNorm is None else min(1, clipNorm / (norm + 1e-6))
        module.call("descend", parameters, gradient, learningRate * scale)
        module.call("packController", packed, parameters)

    module.call("packController", packed, parameters)
    for step in range(given["steps"]):
        if step % 2:
            run("search")
            descend(**given["search"])
        else:
            run("encode")
            run("pretrain")
            descend(**given["pretrain"])
    print(hashlib.sha256(module.read(parameters, 4 * len(given["weights"]))).hexdigest())


main()
