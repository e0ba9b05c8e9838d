"""make_models.py MLQC SOURCE SHARED WORK: pages of networks, small and large, for the browser to look at."""
import pathlib
import subprocess
import sys


def main(mlqc, source, shared, work):
    work.mkdir(parents=True, exist_ok=True)
    models = {"digits": source / "examples/digits/digits.mlmodel",
              "squeezenet": shared / "models/coreml/SqueezeNetFP16.mlmodel"}
    # The largest network that there is: it must stay usable.
    large = sorted((shared / "models/coreml").glob("*.mlmodel"), key=lambda f: f.stat().st_size)
    for file in [f for f in large if "hourglass" in f.name]:
        models["large"] = file
    for name, file in models.items():
        if not file.exists():
            continue
        done = subprocess.run([mlqc, "inspect", file, "--html", work / f"{name}.html"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        print(file.name, (work / f"{name}.html").stat().st_size)


if __name__ == "__main__":
    main(sys.argv[1], *map(pathlib.Path, sys.argv[2:]))
