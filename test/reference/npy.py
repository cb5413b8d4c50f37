"""Small .npy files written by NumPy, in base64, with their values, for src/formats/npy.ts.
Run: python3 npy.py > npy.json"""

import base64
import io
import json
import warnings

import numpy as np

INTEGERS = np.array([[0, 1, 2], [100, 126, 127]])
REALS = np.array([[0.0, -1.5, 2.25], [1e-4, 65504.0, -6e-8]])


def case(array, version=None):
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.lib.format.write_array(file, array, version=version)
    plain = array.dtype.kind in "biuf" and array.dtype.itemsize <= 8
    return {
        "version": ".".join(map(str, version or (1, 0))),
        "descr": array.dtype.str if plain else str(array.dtype),
        "dtype": array.dtype.name,
        "shape": array.shape,
        "values": [float(value) for value in array.ravel()] if plain else None,
        "file": base64.b64encode(file.getvalue()).decode(),
    }


kinds = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8"]
cases = [case(INTEGERS.astype(order + kind)) for order in "<>" for kind in kinds]
cases += [case((-INTEGERS).astype(kind)) for kind in ["i1", ">i2", "<i4", ">i8"]]
cases += [case(REALS.astype(order + kind)) for order in "<>" for kind in ["f2", "f4", "f8"]]
cases += [case(np.array([True, False, True]))]
cases += [case(REALS.astype("f4"), version) for version in [(2, 0), (3, 0)]]
cases += [case(np.zeros(shape, "f4")) for shape in [(), (1,), (0, 784), (1, 1, 1, 2), (12345, 0)]]
fortran = [
    case(np.asfortranarray(np.arange(np.prod(shape)).reshape(shape).astype(kind)))
    for shape, kind in [
        ((2, 3), "<f8"),
        ((2, 3), "|u1"),
        ((3, 2, 4), ">i2"),
        ((2, 1, 3, 2), "<f2"),
        ((2, 3, 1, 2, 2), "<i8"),
    ]
]
fortran += [case(np.asfortranarray([[True, False, False], [False, True, True]]))]
fortran += [case(np.asfortranarray(np.zeros((0, 3, 2), "f4")))]
rows = np.empty(2, object)
rows[:] = [np.zeros(3), np.ones(3)]
refused = {
    "records": case(np.zeros(2, [("x", "<f4"), ("y", "<i4")])),
    "records of version 3": case(np.zeros(2, [("größe", "<f4")]), (3, 0)),
    "complex numbers": case(np.zeros(2, "c8")),
    "texts": case(np.array(["a", "bc"])),
    "dates": case(np.array(["2026-01-01"], "M8[D]")),
    "objects": case(rows),
    "a table of objects": case(np.array([[1, 2], [3, 4]], object)),
    "a dictionary": case(np.array({"x": 1}, object)),
    "a table of texts": case(np.array([["1", "2"]])),
    "long doubles": case(np.zeros(2, "g")),
}
kinds = [("read", case) for case in cases] + [("Fortran order", case) for case in fortran] + list(refused.items())
lines = [json.dumps({"kind": kind, **case}) for kind, case in kinds]
print("[\n" + ",\n".join(lines) + "\n]")
