"""Whether BUILD needs a header or library that PACKAGE... do not bring along to a machine that has nothing.

./dev installs those packages before it builds; a file that is there by chance, as a part of the image or because
of a package that only a bench wants, builds here and on no new machine."""
import pathlib
import re
import subprocess
import sys


def run(*command, check=True, **more):
    return subprocess.run(command, capture_output=True, text=True, check=check, **more).stdout


def headers(build):
    lines = run("ninja", "-C", build, "-t", "deps").splitlines()
    paths = {line.strip() for line in lines if line.startswith("    /usr/")}
    return sorted({str(pathlib.Path(path).resolve()) for path in paths})


def libraries(build):
    """What the compiler is linked with: /usr/lib/libx.so, or -lx for libx.so or libx.a beside the others."""
    link = run("ninja", "-C", build, "-t", "commands", "mlqc").splitlines()[-1]
    paths = set(re.findall(r"/usr/lib/\S+\.(?:so|a)\b", link))
    folders = {pathlib.Path(path).parent for path in paths}
    for name in re.findall(r" -l(\S+)", link):
        found = [folder / f"lib{name}{end}" for folder in folders for end in (".so", ".a")]
        paths.update(str(path) for path in found if path.exists())
    return sorted(paths)


def owners(paths):
    """Package of each path that has one; one name of several where several share it."""
    found = {}
    for line in run("xargs", "dpkg-query", "-S", check=False, input="\n".join(paths)).splitlines():
        names, _, path = line.partition(": ")
        found[path] = re.sub(r":\w+$", "", names.split(", ")[0])
    return found


def brought(packages):
    """What apt would install on a machine whose list of installed packages is empty."""
    plan = run("apt-get", "-s", "-o", "Dir::State::status=/dev/null", "install", "--no-install-recommends", *packages)
    return set(re.findall(r"^Inst (\S+)", plan, re.MULTILINE))


def main():
    build, *packages = sys.argv[1:]
    try:
        there = brought(packages)
    except subprocess.CalledProcessError as error:
        print("SKIPPED: apt does not know the packages here (apt-get update):", error.stderr.strip().splitlines()[-1])
        return
    missing = {}
    for path, package in owners(headers(build) + libraries(build)).items():
        if package not in there:
            missing.setdefault(package, path)
    for package, path in missing.items():
        print(f"{path} comes from {package}, which build_packages in ./dev neither names nor brings along")
    sys.exit(bool(missing))


if __name__ == "__main__":
    main()
