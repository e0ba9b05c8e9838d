"""check_forms.py MLQC SOURCE PEERS WORK: what build servers read is what they expect.

SARIF is held against its published schema, as npm's @microsoft/jest-sarif ships it; JUnit against the elements and
attributes that Jenkins' junit-10.xsd asks for and allows, and the schema itself where MLQ_JUNIT_XSD names it; every manifest of the tree against
manifests/mlq.schema.json.
"""
import json
import os
import pathlib
import subprocess
import sys
import xml.etree.ElementTree as tree

try:
    import jsonschema
    import yaml
except ImportError as missing:
    print(f"SKIPPED: {missing} (apt-get install python3-jsonschema python3-yaml)")
    sys.exit(77)

RESULT = (set(), {"type", "message"}, set())
FORM = {  # element: (attributes that it must have, that it may have, children), by the facts of junit-10.xsd
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": ({"name", "tests", "failures", "errors"},
                  {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
                  {"testsuite", "properties", "testcase", "system-out", "system-err"}),
    "testcase": ({"name"}, {"time", "classname", "group"},
                 {"skipped", "error", "failure", "system-out", "system-err"}),
    "failure": RESULT,
    "error": RESULT,
}


def check_junit(element):
    required, optional, children = FORM[element.tag]
    assert required <= set(element.attrib) <= required | optional, (element.tag, element.attrib)
    assert children or not len(element), f"{element.tag} holds text alone"
    # Only results hold text: elsewhere the schema allows blanks between elements.
    assert element.tag in ("failure", "error") or not (element.text or "").strip(), element.tag
    for child in element:
        assert child.tag in children, f"{child.tag} in {element.tag}"
        assert not (child.tail or "").strip()
        check_junit(child)


def check_schema(file):
    """Against the schema itself, where somebody has it: it is no part of this tree."""
    schema = os.environ.get("MLQ_JUNIT_XSD")
    if not schema:
        return
    done = subprocess.run(["xmllint", "--noout", "--schema", schema, file], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    print(f"ok: JUnit against {pathlib.Path(schema).name}")


def check_counts(root):
    for suite in root:
        assert int(suite.get("tests")) == len(suite.findall("testcase"))
        assert int(suite.get("failures")) == len(suite.findall("testcase/failure"))
        assert int(suite.get("errors")) == len(suite.findall("testcase/error"))


def manifest(work, source, name, limit):
    """A model of its own folder, and the folder that a build would have made."""
    folder = work / name
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.mlq.yaml"
    file.write_text(f"""schema: 1
model: {{ file: {source}/examples/digits/digits.mlmodel }}
quantize: {{ algorithm: kmeans_lut, bits: 2 }}
validate: {{ samples: {{ images: {source}/examples/digits/samples, limit: 60 }} }}
gate:
  - {{ output: classLabelProbs, metric: top1_agreement, at_least: {limit} }}
  - {{ metric: size, at_most: 1 MiB }}
""")
    return file


def main(mlqc, source, peers, work):
    run = lambda *words: subprocess.run([mlqc, *map(str, words)], capture_output=True, text=True)
    for name, limit in (("good", 0.1), ("red & <odd>", 1.0)):
        file = manifest(work, source, name.split()[0], limit)
        run("compile", file, "-o", work / "build" / name.split()[0], "--mode", "off")
    (work / "build" / "broken").mkdir(exist_ok=True)
    (work / "build" / "broken" / "broken.measured.json").write_text("{}")
    (work / "build" / "broken" / "broken.manifest").write_text(str(work / "nowhere.mlq.yaml"))
    forms = {form: work / f"gate.{form}" for form in ("junit", "sarif", "markdown", "json", "html")}
    done = run("gate", "--all", work / "build", *[w for form, file in forms.items() for w in (f"--{form}", file)])
    assert done.returncode == 2, done
    print(done.stdout, done.stderr)

    root = tree.parse(forms["junit"]).getroot()
    check_junit(root)
    check_counts(root)
    check_schema(forms["junit"])
    assert [(s.get("name"), s.get("failures"), s.get("errors")) for s in root] == [
        ("broken", "0", "1"), ("good", "0", "0"), ("red", "1", "0")]
    print("ok: JUnit")

    sarif = json.loads(forms["sarif"].read_text())
    assert len(sarif["runs"]) == 1 and len(sarif["runs"][0]["results"]) == 2
    schema = pathlib.Path(peers) / "node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json"
    if schema.exists():
        jsonschema.Draft7Validator(json.loads(schema.read_text())).validate(sarif)
        print(f"ok: SARIF against {schema.name}")
    else:
        print(f"SKIPPED: SARIF's schema is not in {peers}")

    whole = json.loads(forms["json"].read_text())
    cures = whole["models"][2]["checks"][0]["cures"]
    assert len(cures["layers"]) == 3 and "of 60 samples" in cures["basis"]
    notes = whole["models"][2]["complaints"][0]["notes"]
    assert any(cure["rule"] and cure["rule"] in note for cure in cures["layers"] for note in notes), notes
    assert cures["basis"] in forms["junit"].read_text(), "build servers show them, too"
    assert not whole["passed"] and [m["passed"] for m in whole["models"]] == [False, True, False]
    assert "2 of 3 models red" in forms["markdown"].read_text()

    language = json.loads((source / "manifests/mlq.schema.json").read_text())
    found = [f for f in sorted(source.rglob("*.mlq.yaml")) if "build" not in f.relative_to(source).parts]
    assert found
    for file in found:
        jsonschema.validate(yaml.safe_load(file.read_text()), language)
    print(f"ok: {len(found)} manifests")


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3], pathlib.Path(sys.argv[4]))
