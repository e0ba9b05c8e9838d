"""check_layers.py MLQC SHARED WORK: an error planted in one weight of SqueezeNet is found, and its layer named."""
import json
import pathlib
import struct
import subprocess
import sys

LAYER, WEIGHTS = b"fire6/expand3x3", 192 * 48 * 3 * 3


def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def planted(model):
    """The same file with one half float of the layer's weights turned into 8."""
    name = model.find(LAYER)
    prefix = b"\x12" + varint(2 * WEIGHTS)  # WeightParams.float16Value and its length
    start = model.index(prefix, name) + len(prefix)
    place = start + 2 * 1234
    return model[:place] + struct.pack("<e", 8) + model[place + 2:]


def compare(mlqc, work, a, b, name):
    done = subprocess.run([mlqc, "compare", a, b, "--samples", "random:3", "--layers", "--json", work / f"{name}.json",
                           "--html", work / f"{name}.html"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads((work / f"{name}.json").read_text())


def main(mlqc, shared, work):
    source = shared / "models/coreml/SqueezeNetFP16.mlmodel"
    if not source.exists():
        print("SKIPPED: no shared material")
        return 77
    work.mkdir(parents=True, exist_ok=True)
    other = work / "planted.mlmodel"
    other.write_bytes(planted(source.read_bytes()))

    text, found = compare(mlqc, work, source, other, "planted")
    print("\n".join(text.splitlines()[-1:]))
    assert found["first"] == found["worst"] == LAYER.decode(), found["first"]
    before = [layer for layer in found["layers"] if layer["snr_db"] >= 200]
    assert len(before) > 20 and found["worst_drop"] > 100
    assert f"they part at '{LAYER.decode()}'" in text

    text, found = compare(mlqc, work, source, source, "same")
    assert found["first"] is None and "no layer differs" in text
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])))
