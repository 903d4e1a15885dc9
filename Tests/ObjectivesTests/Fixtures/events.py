"""Writes the event files beside it: python3 -m pip install tensorboard tensorboardX; python3 events.py

Made with tensorboard 2.21 and tensorboardX 2.6. `simple` has simple values as tensorboardX and PyTorch write them, and a
histogram, which is no scalar; `tensors` has the tensors of TensorFlow 2's summaries, in each of the ways that a tensor of
one number can be written.
"""

import os
import struct

from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.summary_pb2 import Summary
from tensorboardX.record_writer import RecordWriter

HERE = os.path.dirname(os.path.abspath(__file__))
ROWS = [("val/loss", 0.5, 0), ("train/acc", 0.25, 0), ("val/loss", 0.25, 10), ("other", 1e300, 15),
        ("val/loss", 0.125, 20), ("train/acc", 0.75, 20)]


def write(name, events):
    path = os.path.join(HERE, name)
    if os.path.exists(path):
        os.remove(path)
    writer = RecordWriter(path)
    for event in events:
        writer.write(event.SerializeToString())
    writer.close()


def simple():
    yield Event(wall_time=1.5, file_version="brain.Event:2")
    for tag, value, step in ROWS:
        yield Event(wall_time=2.5, step=step, summary=Summary(value=[Summary.Value(tag=tag, simple_value=min(value, 1e30))]))
    yield Event(wall_time=3, step=30, summary=Summary(value=[Summary.Value(tag="val/loss", histo={"min": 1, "bucket": [1, 2]})]))


def tensors():
    yield event_pb2.Event(wall_time=1.5, file_version="brain.Event:2")
    for number, (tag, value, step) in enumerate(ROWS):
        forms = [{"dtype": 1, "float_val": [value]}, {"dtype": 2, "double_val": [value]},
                 {"dtype": 1, "tensor_content": struct.pack("<f", value if value < 1e30 else 1)},
                 {"dtype": 2, "tensor_content": struct.pack("<d", value)}]
        tensor = tensor_pb2.TensorProto(**forms[(number + step) % 4] if value < 1e30 else forms[1])
        if number == 1:
            tensor = tensor_pb2.TensorProto(dtype=9, int64_val=[3])
        yield event_pb2.Event(wall_time=2.5, step=step, summary=summary_pb2.Summary(
            value=[summary_pb2.Summary.Value(tag=tag, tensor=tensor)]))
    yield event_pb2.Event(wall_time=3, step=30, summary=summary_pb2.Summary(value=[summary_pb2.Summary.Value(
        tag="val/loss", tensor=tensor_pb2.TensorProto(dtype=1, float_val=[1, 2]))]))


write("events.out.tfevents.simple", simple())
write("events.out.tfevents.tensors", tensors())
