"""The Core ML front end's own schema as a Python module, for scripts that write .mlmodel files."""
import importlib
import pathlib
import subprocess
import sys
import tempfile

SCHEMA = pathlib.Path(__file__).resolve().parents[1] / "compiler/frontends/coreml/coreml.proto"


def load():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["protoc", f"--proto_path={SCHEMA.parent}", f"--python_out={folder}", SCHEMA.name], check=True)
        sys.path.insert(0, folder)
        try:
            return importlib.import_module("coreml_pb2")
        finally:
            sys.path.remove(folder)
