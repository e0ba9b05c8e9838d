"""check_strip.py MLQC SHARED WORK: the style net's pictures from 32 to 1 bits, in a page and as PNG files."""
import base64
import json
import pathlib
import re
import subprocess
import sys


def strip_of(mlqc, shared, work, source, name):
    """Sweeps one style net; False where this build cannot run it."""
    manifest = work / f"{name}.mlq.yaml"
    manifest.write_text(f"""schema: 1
model: {{ file: {source} }}
validate: {{ samples: {{ images: {shared}/samples/flowers/tulips, limit: 1 }} }}
""")
    page = work / f"{name}.html"
    done = subprocess.run([mlqc, "sweep", manifest, "--bits", "8,4,3,2,1", "--algorithms", "kmeans_lut", "--html", page],
                          capture_output=True, text=True)
    if done.returncode == 3:  # an operator that this build cannot run
        print(f"left out: {done.stderr.splitlines()[0]}")
        return False
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    data = json.loads(re.search(r'id="data">(.*?)</script>', page.read_text(), re.S).group(1))
    pictures = data["strips"][0]["pictures"]
    assert [p["bits"] for p in pictures] == [32, 8, 4, 3, 2, 1]
    for picture in pictures:
        (work / f"{name}{picture['bits']:02}.png").write_bytes(base64.b64decode(picture["uri"].split(",")[1]))
    assert len({p["uri"] for p in pictures}) == len(pictures), "each picture is another one"
    quality = [run["outputs"][o]["psnr_db"]["value"] for run in data["runs"] for o in run["outputs"]]
    assert quality == sorted(quality, reverse=True), "fewer bits, worse pictures"
    assert quality[0] > 40 > quality[-1], "eight bits cannot be seen, one can"
    return True


def main(mlqc, shared, work):
    # An output that is a tensor of a picture's shape, and one that is an image.
    nets = {"strip": shared / "models/onnx/style_candy.onnx",
            "strip_image": shared / "models/coreml/FastStyleTransferStarryNight.mlmodel"}
    work.mkdir(parents=True, exist_ok=True)
    if not all(source.exists() for source in nets.values()):
        print("SKIPPED: no shared material")
        return 77
    assert strip_of(mlqc, shared, work, nets["strip"], "strip")
    strip_of(mlqc, shared, work, nets["strip_image"], "strip_image")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])))
