"""Small .npy files by NumPy, in base64, and what they hold, for src/formats/npy.ts. Run: python3 npy.py > npy.json"""

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
    plain = array.dtype.kind in "biuf"
    return {
        "version": ".".join(map(str, version or (1, 0))),
        "descr": array.dtype.str if plain else str(array.dtype),
        "dtype": array.dtype.name,
        "shape": array.shape,
        "values": [float(value) for value in array.ravel()] if plain else None,
        "file": base64.b64encode(file.getvalue()).decode(),
    }


cases = [case(INTEGERS.astype(order + kind)) for order in "<>" for kind in ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8"]]
cases += [case((-INTEGERS).astype(kind)) for kind in ["i1", ">i2", "<i4", ">i8"]]
cases += [case(REALS.astype(order + kind)) for order in "<>" for kind in ["f2", "f4", "f8"]]
cases += [case(np.array([True, False, True]))]
cases += [case(REALS.astype("f4"), version) for version in [(2, 0), (3, 0)]]
cases += [case(np.zeros(shape, "f4")) for shape in [(), (1,), (0, 784), (1, 1, 1, 2), (12345, 0)]]
refused = {
    "Fortran order": case(np.asfortranarray(REALS)),
    "records": case(np.zeros(2, [("x", "<f4"), ("y", "<i4")])),
    "records of version 3": case(np.zeros(2, [("größe", "<f4")]), (3, 0)),
    "complex numbers": case(np.zeros(2, "c8")),
    "texts": case(np.array(["a", "bc"])),
    "dates": case(np.array(["2026-01-01"], "M8[D]")),
    "objects": case(np.array([None, 1], object)),
}
lines = [json.dumps({"kind": kind, **case}) for kind, case in [("read", case) for case in cases] + list(refused.items())]
print("[\n" + ",\n".join(lines) + "\n]")
