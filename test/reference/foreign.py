"""First bytes of files written by other libraries, deflated and in base64, for src/formats/recognize.ts.

pip install h5py nibabel numpy onnx pillow pyarrow pydicom safetensors scipy. Run: python3 foreign.py > foreign.json
"""

import base64
import bz2
import gzip
import io
import json
import lzma
import pickle
import sqlite3
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path

import h5py
import nibabel
import numpy as np
import onnx
import pyarrow
import pyarrow.feather
import pyarrow.parquet
import pydicom
import safetensors.numpy
import scipy.io
from PIL import Image

HEAD = 600
folder = Path(tempfile.mkdtemp())
samples = []


def add(name, file):
    """`file`: bytes, or a function that writes the file."""
    if callable(file):
        path = str(folder / f"{len(samples)}{name.replace('/', '')}")
        file(path)
        file = Path(path).read_bytes()
    samples.append((name, base64.b64encode(zlib.compress(file[:HEAD], 9)).decode()))


def zipped(*names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "content")
    return file.getvalue()


def tarred(format):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=format) as archive:
        entry = tarfile.TarInfo("hello.txt")
        entry.size = 2
        archive.addfile(entry, io.BytesIO(b"hi"))
    return file.getvalue()


def write_sqlite(path):
    connection = sqlite3.connect(path)
    connection.execute("create table images (pixels blob)")
    connection.commit()


def write_hdf5(userblock):
    def write(path):
        with h5py.File(path, "w", userblock_size=userblock) as file:
            file["x"] = np.zeros(3)

    return write


def write_dicom(path):
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    pydicom.dataset.FileDataset(path, {}, file_meta=meta, preamble=b"\0" * 128).save_as(path)


def onnx_model():
    x, y = (onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in "xy")
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "graph", [x], [y])
    return onnx.helper.make_model(graph, producer_name="pytorch", producer_version="2.4.0")


image = Image.fromarray(np.arange(1024, dtype=np.uint8).reshape(32, 32))


def picture(format, mode="L"):
    file = io.BytesIO()
    image.convert(mode).save(file, format)
    return file.getvalue()


for name in ["PNG", "JPEG", "GIF", "WebP", "TIFF", "BMP"]:
    add(f"a {name} image", picture(name.upper()))
add("an AVIF image", picture("AVIF", "RGB"))
add("an icon (ICO)", picture("ICO"))
add("a JPEG 2000 image", picture("JPEG2000"))
add("a PBM image", picture("PPM", "1"))
add("a PGM image", picture("PPM"))
add("a PPM image", picture("PPM", "RGB"))
add("a PFM image", picture("PPM", "F"))
add("a PDF document", picture("PDF"))
for protocol in range(2, 6):
    for value in [{"images": [1, 2, 3]}, None]:
        add("a Python pickle", pickle.dumps(value, protocol))
add("a .npy file", lambda path: np.save(open(path, "wb"), np.zeros(3)))
for save in [np.savez, np.savez_compressed]:
    add("an .npz archive", lambda path: save(open(path, "wb"), x=np.zeros(3)))
add("a zip archive", zipped("hello.txt", "x.npy"))
add("a zip archive", zipped())
add("a PyTorch file", zipped("archive/data.pkl", "archive/version"))
add("a PyTorch file", zipped("model/version", "model/data.pkl"))
for format in [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]:
    add("a tar archive", tarred(format))
add("a gzip file", gzip.compress(b"hi"))
for content in [b"hi", b""]:
    add("a bzip2 file", bz2.compress(content))
add("an xz file", lzma.compress(b"hi"))
add("an SQLite database", write_sqlite)
for userblock in [0, 512]:
    add("an HDF5 file", write_hdf5(userblock))
add("a MATLAB 5 file", lambda path: scipy.io.savemat(open(path, "wb"), {"X": np.zeros((2, 3))}))
table = pyarrow.table({"x": [1, 2]})
for version in [1, 2]:
    add("an Arrow file", lambda path: pyarrow.feather.write_feather(table, path, version=version))
add("a Parquet file", lambda path: pyarrow.parquet.write_table(table, path))
add("an ONNX model", onnx_model().SerializeToString())
for kind in [nibabel.Nifti1Image, nibabel.Nifti2Image]:
    add("a NIfTI volume", kind(np.zeros((2, 3, 4)), np.eye(4)).to_bytes())
add("a DICOM file", write_dicom)
add("a safetensors file", safetensors.numpy.save({"x": np.zeros(3)}))
print("[\n" + ",\n".join(json.dumps(sample) for sample in samples) + "\n]")
