"""Reads a folder of event files with TensorBoard's own readers, and prints what it finds as JSON.

usage: read_events.py FOLDER
"""

import io
import json
import sys
from pathlib import Path

from google.protobuf import json_format, text_format
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.tensorflow_stub import errors, pywrap_tensorflow
from tensorboard.plugins.hparams import metadata
from tensorboard.plugins.projector import projector_plugin
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

folder = Path(sys.argv[1])
[file] = folder.glob("*tfevents*")
accumulator = EventAccumulator(str(folder), size_guidance=dict.fromkeys(["scalars", "images", "histograms"], 0))
accumulator.Reload()
tags = accumulator.Tags()


def scalar(event):
    return [event.step, event.value, event.wall_time]


def image(event):
    with Image.open(io.BytesIO(event.encoded_image_string)) as picture:
        picture.load()
        return [event.step, [event.width, event.height], list(picture.size), picture.mode]


def histogram(event):
    value = event.histogram_value
    return {
        "step": event.step,
        **{name: getattr(value, name) for name in ["min", "max", "num", "sum", "sum_squares"]},
        "limits": list(value.bucket_limit),
        "counts": list(value.bucket),
    }


def content_of(tag):
    return accumulator.SummaryMetadata(tag).plugin_data.content


def count_until_error(data):
    """The number of records before TensorFlow's reader fails, and the error."""
    copy = folder / "damaged"
    copy.write_bytes(data)
    reader = pywrap_tensorflow.PyRecordReader_New(str(copy))
    try:
        for count in range(10**6):
            reader.GetNext()
    except (errors.DataLossError, errors.OutOfRangeError) as error:
        return [count, type(error).__name__]
    finally:
        copy.unlink()


def projector():
    config = text_format.Parse((folder / "projector_config.pbtxt").read_text(), ProjectorConfig())
    [embedding] = config.embeddings
    tensor = projector_plugin._read_tensor_tsv_file(str(folder / embedding.tensor_path))
    with Image.open(folder / embedding.sprite.image_path) as sprite:
        return {
            "config": json_format.MessageToDict(config, preserving_proto_field_name=True),
            "shape": list(tensor.shape),
            "first": tensor[0].tolist(),
            "labels": (folder / embedding.metadata_path).read_text().splitlines(),
            "sprite": list(sprite.size),
        }


bytes_of_file = file.read_bytes()
middle = len(bytes_of_file) // 2
flipped = bytes_of_file[:middle] + bytes([bytes_of_file[middle] ^ 1]) + bytes_of_file[middle + 1 :]
start = metadata.parse_session_start_info_plugin_data(content_of(metadata.SESSION_START_INFO_TAG))
end = metadata.parse_session_end_info_plugin_data(content_of(metadata.SESSION_END_INFO_TAG))
print(
    json.dumps(
        {
            "scalars": {tag: [scalar(event) for event in accumulator.Scalars(tag)] for tag in tags["scalars"]},
            "images": {tag: [image(event) for event in accumulator.Images(tag)] for tag in tags["images"]},
            "histograms": {tag: [histogram(event) for event in accumulator.Histograms(tag)] for tag in tags["histograms"]},
            "start": json_format.MessageToDict(start),
            "end": json_format.MessageToDict(end),
            "whole": count_until_error(bytes_of_file),
            "flipped": count_until_error(flipped),
            "projector": projector(),
        }
    )
)
