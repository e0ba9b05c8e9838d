"""The Core ML front end's own schema as a Python module, for scripts that write .mlmodel files."""
import importlib
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
FOLDER = "compiler/frontends/coreml"


def load():
    files = [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / FOLDER).glob("*.proto"))]
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(["protoc", f"--proto_path={ROOT}", f"--python_out={out}", *files], check=True)
        sys.path.insert(0, out)
        try:
            return importlib.import_module(FOLDER.replace("/", ".") + ".model_pb2")
        finally:
            sys.path.remove(out)
