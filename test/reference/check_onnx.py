"""Checks ONNX files, shapes included, with onnx.checker: python3 check_onnx.py FOLDER (onnx ≥ 1.16)"""
import sys
from pathlib import Path

import onnx

files = sorted(Path(sys.argv[1]).glob("*.onnx"))
for file in files:
    try:
        onnx.checker.check_model(str(file), full_check=True)
    except onnx.checker.ValidationError as error:
        sys.exit(f"{file.name}: {error}")
print(f"{len(files)} models pass the checker of onnx {onnx.__version__}")
