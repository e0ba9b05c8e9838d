"""How long files and functions are. Reports the shares that the project aims for; a file over the limit fails.

Relies on clang-format's layout: a function's last line is a brace at the indentation of its first.
"""
import pathlib
import re
import sys

LONGEST_FILE = 450
FOLDERS = ("compiler", "runtime-stub", "bench", "examples")
NO_FUNCTION = re.compile(r"\s*(namespace|struct|class|enum|union|extern|if|for|while|switch|do|else|catch|#|//|[^(]*=[^=])")
BODY = re.compile(r".*\)[\w\s<>:,&*()>-]*\{$")  # the parameters' end, perhaps const, noexcept, -> T, try or initializers
ONE_LINE = re.compile(r" {0,2}\w.*\).*\{.*\}$")


def indentation(text):
    return len(text) - len(text.lstrip())


def functions(lines):
    """(first line, length) of each function; members of a class are indented by two."""
    start, close = None, None
    for number, text in enumerate(lines):
        if start is not None:
            if text.rstrip(";") == close:
                yield start, number - start + 1
                start = None
        elif ONE_LINE.match(text) and not NO_FUNCTION.match(text):
            yield number, 1
        elif BODY.match(text):
            first = number
            while indentation(lines[first]) > 2 and first > 0:
                first -= 1
            if not NO_FUNCTION.match(lines[first]):
                start, close = first, " " * indentation(lines[first]) + "}"


def share(values, limit):
    return 100 * sum(v <= limit for v in values) / max(1, len(values))


def main(root):
    files = {p: p.read_text().splitlines() for top in FOLDERS for p in sorted((root / top).rglob("*"))
             if p.suffix in (".h", ".cpp")}
    lengths = [len(lines) for lines in files.values()]
    found = [(size, path, first) for path, lines in files.items() for first, size in functions(lines)]
    sizes = [size for size, _, _ in found]
    print(f"{len(files)} files, {sum(lengths)} lines: {share(lengths, 120):.0f} % of the files up to 120 lines (aim 50), "
          f"the longest {max(lengths)} (limit {LONGEST_FILE})")
    print(f"{len(sizes)} functions: {share(sizes, 15):.0f} % up to 15 lines (aim 50), "
          f"{share(sizes, 60):.0f} % up to 60 (aim 90); the longest:")
    for size, path, first in sorted(found, key=lambda f: -f[0])[:5]:
        print(f"  {size:4} lines  {path.relative_to(root)}:{first + 1}")
    too_long = [p for p, lines in files.items() if len(lines) > LONGEST_FILE]
    for path in too_long:
        print(f"{path.relative_to(root)}: {len(files[path])} lines, the limit is {LONGEST_FILE}")
    return bool(too_long)


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(__file__).resolve().parents[2]))
