#!/usr/bin/python3
"""Writes swish.mlmodel beside this folder: a network of one custom layer. Needs Debian's python3-protobuf and
protobuf-compiler."""
import pathlib
import sys

EXAMPLE = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(EXAMPLE.parents[1] / "scripts"))
import coreml_schema  # noqa: E402

schema = coreml_schema.load()


def array(feature):
    feature.type.multi_array_type.shape.append(3)
    feature.type.multi_array_type.data_type = 65568  # float32


def main():
    model = schema.Model(specification_version=2)  # the first with custom layers
    model.description.metadata.short_description = "One custom layer and nothing else"
    array(model.description.input.add(name="x"))
    array(model.description.output.add(name="y"))
    layer = model.neural_network.layers.add(name="swish", input=["x"], output=["y"])
    layer.custom.class_name = "Swish"
    layer.custom.description = "x * sigmoid(beta * x)"
    layer.custom.parameters["beta"].double_value = 1.5
    (EXAMPLE / "swish.mlmodel").write_bytes(model.SerializeToString(deterministic=True))


if __name__ == "__main__":
    main()
