"""Checks ONNX models with onnx.checker and runs them with onnxruntime: python3 run_onnx.py FOLDER CASES.json

CASES.json is [{"model": file in FOLDER, "inputs": {name: {"shape", "data"}}}].
Prints a list of {name: {"shape", "data"}}."""
import json
import sys
from pathlib import Path

import numpy
import onnx
import onnxruntime

folder, cases = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())
results = []
for case in cases:
    model = onnx.load(folder / case["model"])
    onnx.checker.check_model(model, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True).graph
    for value in [*inferred.input, *inferred.output]:
        batch, width = value.type.tensor_type.shape.dim
        assert batch.dim_param == "batch" and width.dim_value > 0, f"{value.name} has no shape [batch, number]"
    for value in inferred.value_info:
        _, *rest = value.type.tensor_type.shape.dim
        assert all(dim.dim_value > 0 for dim in rest), f"{value.name} has no known shape but for the batch"
    known = {value.name for value in [*inferred.output, *inferred.value_info]}
    assert all(name in known for node in inferred.node for name in node.output), "a shape is not known"
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    inputs = {
        name: numpy.array(value["data"], numpy.float32).reshape(value["shape"])
        for name, value in case["inputs"].items()
    }
    outputs = session.run(None, inputs)
    names = [output.name for output in session.get_outputs()]
    results.append(
        {
            name: {"shape": value.shape, "data": value.ravel().tolist()}
            for name, value in zip(names, outputs, strict=True)
        }
    )
print(json.dumps(results))
