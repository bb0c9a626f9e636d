"""Reads tables with pyarrow and pandas and prints their types and the bits of their values as JSON.

For every line [how, file, ...] on stdin a line on stdout.
"""

import json
import struct
import sys

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq


def bits(value):
    """Floats as the hex of their float64 bits, so that NaN, -0 and subnormals can be compared; integers as text."""
    if isinstance(value, float):
        return struct.pack(">d", value).hex()
    if isinstance(value, list):
        return [bits(item) for item in value]
    return str(value) if isinstance(value, int) else value


def show(table):
    columns = {name: bits(table.column(name).to_pylist()) for name in table.column_names}
    types = {field.name: str(field.type) for field in table.schema}
    return {"types": types, "rows": table.num_rows, "columns": columns}


def pyarrow(file):
    return show(pq.read_table(file))


def arrow(file):
    return show(pa.ipc.open_file(file).read_all())


def pandas(file):
    return show(pa.Table.from_pandas(pd.read_parquet(file, dtype_backend="pyarrow"), preserve_index=False))


def csv(file):
    frame = pd.read_csv(file, keep_default_na=False, na_values=["NaN"])
    return show(pa.Table.from_pandas(frame, preserve_index=False))


def pyarrow_rows(file):
    return pq.read_table(file).num_rows


def rewrite(file, out):
    return pq.write_table(pq.read_table(file), out)


def rewrite_pandas(file, out):
    return pd.read_parquet(file, dtype_backend="pyarrow").to_parquet(out, index=False)


def numpy(file):
    column = pq.read_table(file).column("embedding").combine_chunks()
    matrix = column.flatten().to_numpy(zero_copy_only=True).reshape(len(column), -1)
    return {"shape": matrix.shape, "dtype": str(matrix.dtype)}


for line in sys.stdin:
    how, *arguments = json.loads(line)
    print(json.dumps(globals()[how](*arguments)), flush=True)
