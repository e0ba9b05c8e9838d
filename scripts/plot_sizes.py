#!/usr/bin/python3
"""Draws size against agreement as SVG: docs/quantization.svg.

    mlqc sweep MANIFEST --algorithms linear,kmeans_lut --bits 8,6,5,4 --json sweep.json
    bench/compensated.py > compensated.txt
    scripts/plot_sizes.py sweep.json compensated.txt -o docs/quantization.svg

A .json is of `mlqc sweep` (bytes of artifacts), anything else what bench/compensated.py prints (bytes of weights)."""
import argparse
import json
import pathlib

WIDTH, HEIGHT, LEFT, BOTTOM, RIGHT, TOP = 640, 360, 56, 44, 180, 16
COLOURS = ["#1b6ca8", "#c0392b", "#2e8b57", "#8e44ad", "#b9770e", "#555555"]


def of_sweep(text):
    lines = {}
    for run in json.loads(text)["runs"]:
        for metrics in run["outputs"].values():
            if "top1_agreement" in metrics:
                point = (run["bytes"], 100 * metrics["top1_agreement"]["value"], run["bits"])
                name = run["algorithm"] + (", " + run["granularity"] if run["granularity"] else "")
                lines.setdefault(name, []).append(point)
                break
    return lines


def of_table(text):
    lines = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 8 and words[2].isdigit():
            name = words[0] + ("" if words[1] == "nearest" else ", " + words[1])
            lines.setdefault(name, []).append((int(words[3].replace(",", "")), float(words[6]), int(words[2])))
    return lines


def draw(lines):
    points = [point for line in lines.values() for point in line]
    low, high = 0, 1.05 * max(p[0] for p in points)

    def place(size, share):
        across = LEFT + (size - low) / (high - low) * (WIDTH - LEFT - RIGHT)
        return across, HEIGHT - BOTTOM - share / 100 * (HEIGHT - BOTTOM - TOP)

    svg = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
           'font-family="sans-serif" font-size="12">', f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>']
    for share in range(0, 101, 20):
        (x, y), (end, _) = place(low, share), place(high, share)
        svg.append(f'<path d="M{x:.0f} {y:.0f}H{end:.0f}" stroke="#ddd"/>')
        svg.append(f'<text x="{x - 6:.0f}" y="{y + 4:.0f}" text-anchor="end">{share} %</text>')
    for size in range(0, int(high), 200000):
        x, y = place(size, 0)
        svg.append(f'<text x="{x:.0f}" y="{y + 18:.0f}" text-anchor="middle">{size // 1000}</text>')
    x, y = place(high / 2, 0)
    svg.append(f'<text x="{x:.0f}" y="{y + 36:.0f}" text-anchor="middle">bytes, thousands</text>')
    for i, (name, line) in enumerate(lines.items()):
        colour = COLOURS[i % len(COLOURS)]
        places = [place(size, share) for size, share, _ in sorted(line)]
        path = "L".join(f"{x:.0f} {y:.0f}" for x, y in places)
        svg.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for (x, y), (_, share, bits) in zip(places, sorted(line)):
            svg.append(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="3.5" fill="{colour}"><title>{bits} bits: {share} %'
                       '</title></circle>')
        y = TOP + 20 + 20 * i
        svg.append(f'<path d="M{WIDTH - RIGHT + 10} {y}h16" stroke="{colour}" stroke-width="3"/>')
        svg.append(f'<text x="{WIDTH - RIGHT + 32}" y="{y + 4}">{name}</text>')
    return "\n".join(svg) + "\n</svg>\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=pathlib.Path, nargs="+")
    parser.add_argument("-o", "--out", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    lines = {}
    for file in arguments.files:
        lines.update((of_sweep if file.suffix == ".json" else of_table)(file.read_text()))
    arguments.out.write_text(draw(lines))


if __name__ == "__main__":
    main()
