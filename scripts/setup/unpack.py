"""unpack.py WHEEL FOLDER: TensorFlow's two libraries to FOLDER/lib, the headers of its C API to FOLDER/include."""

import pathlib
import shutil
import sys
import zipfile

LIBRARIES = ("tensorflow/libtensorflow_cc.so.2", "tensorflow/libtensorflow_framework.so.2")
HEADERS = tuple(
    "tensorflow/include/" + path
    for path in ("tensorflow/c/", "tensorflow/core/platform/ctstring", "tsl/c/", "tsl/platform/ctstring")
)

wheel, folder = zipfile.ZipFile(sys.argv[1]), pathlib.Path(sys.argv[2])
for entry in wheel.infolist():
    name = entry.filename
    if entry.is_dir() or not (name in LIBRARIES or name.startswith(HEADERS)):
        continue
    target = folder / ("lib/" + pathlib.PurePosixPath(name).name if name in LIBRARIES else name.split("/", 1)[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    with wheel.open(entry) as source, open(target, "wb") as sink:
        shutil.copyfileobj(source, sink, 1 << 20)
