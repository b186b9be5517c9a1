#!/usr/bin/env python3
"""Run s3d-mini on an input file with some settings changed, and check all it gives: verdict, progress, fields, pictures.

usage: case.py S3D_MINI INPUT [NAME=VALUE ..] [--expect QUANTITY=LOW:HIGH ..] [--launch COMMAND ..]
NAME=VALUE replaces or adds a setting of INPUT's namelists. QUANTITY is a column of the last line of progress: step, time, dt, T_min,
T_max, p_min, p_max, speed. Works in a temporary folder; a mechanism is found next to INPUT's folder.
"""
import argparse
import math
import pathlib
import re
import subprocess
import sys
import tempfile

import image_data
import png
from input_file import prepared, setting

COLUMNS = ["step", "time", "dt", "T_min", "T_max", "p_min", "p_max", "speed", "left"]
# Pixels around a picture's plot: together, and those at its left and top.
MARGINS = {"x": 96 + 180, "y": 56 + 64, "left": 96, "top": 56}


def progress_of(output):
    """The lines of progress of the first run."""
    lines = []
    for line in output.splitlines():
        if line.startswith("check:"):
            break
        if re.match(r"\s*\d+\s+\d\.\d+E", line):
            words = line.split()
            if len(words) != len(COLUMNS):
                raise ValueError(f"a line of progress has {len(words)} columns: {line}")
            lines.append(dict(zip(COLUMNS, map(float, words))))
    if not lines:
        raise ValueError("no line of progress")
    for before, after in zip(lines, lines[1:]):
        if not (after["step"] > before["step"] and after["time"] > before["time"]):
            raise ValueError(f"progress goes back: {before} then {after}")
    if not all(math.isfinite(value) for line in lines for value in line.values()):
        raise ValueError("progress that is not finite")
    if lines[-1]["left"] != 0:
        raise ValueError("the last line leaves time to run")
    return lines


def check_fields(folder, last):
    (path,) = sorted(folder.glob("fields_*.vti"))[-1:]
    if path.name != f"fields_{int(last['step']):06d}.vti":
        raise ValueError(f"{path.name} is not of the last step, {last['step']}")
    points, spacing, arrays, time = image_data.read(path)
    if not math.isclose(time, last["time"], rel_tol=1e-4):
        raise ValueError(f"{path.name} is of time {time}, not {last['time']}")
    for name, low, high in (("T", "T_min", "T_max"), ("p", "p_min", "p_max")):
        for got, told in ((min(arrays[name]), last[low]), (max(arrays[name]), last[high])):
            if not math.isclose(got, told, rel_tol=1e-4):
                raise ValueError(f"{path.name}: {name} reaches {got}, progress says {told}")
    species = [values for name, values in arrays.items() if name.startswith("Y_")]
    worst = max(abs(sum(point) - 1) for point in zip(*species))
    if worst > 1e-5:
        raise ValueError(f"{path.name}: mass fractions add up to 1 only within {worst}")
    return points, spacing, arrays


def check_pictures(folder, names, output, points, spacing, arrays):
    """Each picture has its plot where slice_picture.c puts it; the brightest and the darkest point lie where the field has them."""
    plane = points[0] * points[1] * (points[2] // 2)
    for name, array in names.items():
        width, height, rows = png.read(folder / f"{name}.png")
        told = re.search(rf"picture \S*/{name}\.png: from\s+(\S+) to\s+(\S+)", output)
        if not told:
            raise ValueError(f"the output does not name {name}.png")
        low, high = map(float, told.groups())
        if array is None:
            continue
        values = arrays[array][plane:plane + points[0] * points[1]]
        for extreme, said in ((min(values), low), (max(values), high)):
            if not math.isclose(extreme, said, rel_tol=1e-3, abs_tol=1e-3 * (high - low)):
                raise ValueError(f"{name}.png is told to reach {said}, the field reaches {extreme}")
        plot_height = height - MARGINS["y"]
        plot_width = round(plot_height * points[0] * spacing[0] / (points[1] * spacing[1]))
        if max(plot_width, plot_height) < 512 or width < plot_width + MARGINS["x"]:
            raise ValueError(f"{name}.png of {width} x {height} has no room for a plot of {plot_width} x {plot_height}")
        for extreme, colour in ((min(values), png.DARKEST), (max(values), png.BRIGHTEST)):
            at = list(values).index(extreme)
            x = MARGINS["left"] + int((at % points[0] + 0.5) * plot_width / points[0])
            y = MARGINS["top"] + plot_height - 1 - int((at // points[0] + 0.5) * plot_height / points[1])
            pixel = rows[y][3 * x:3 * x + 3]
            if max(abs(a - b) for a, b in zip(pixel, colour)) > 24:
                raise ValueError(f"{name}.png: at {x}, {y} is {tuple(pixel)}, not near {colour} of {extreme}")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("program")
    parser.add_argument("input", type=pathlib.Path)
    parser.add_argument("settings", nargs="*")
    parser.add_argument("--expect", nargs="*", default=[])
    parser.add_argument("--launch", nargs=argparse.REMAINDER, default=[])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        text = prepared(given.input, folder / "out/put", dict(item.split("=", 1) for item in given.settings))
        (folder / "input.nml").write_text(text)
        done = subprocess.run([*given.launch, given.program, folder / "input.nml"], stdout=subprocess.PIPE, text=True)
        print(text, done.stdout, sep="\n")
        verdict = done.stdout.splitlines()[-1] if done.stdout else ""
        merit = re.fullmatch(r"PASSED:\s+(\S+) grid points x right-hand sides a second", verdict)
        if done.returncode != 0 or not merit or not float(merit.group(1)) > 0:
            sys.exit(f"status {done.returncode}, last line '{verdict}'")
        if setting(text, "compare", ".false.") == ".true." and "equal to the last bit" not in done.stdout:
            sys.exit("the two methods differ")
        last = progress_of(done.stdout)[-1]
        points, spacing, arrays = check_fields(folder / "out/put", last)
        if setting(text, "pictures", ".true.") == ".true.":
            names = {"temperature": "T", "pressure": "p", "speed": None}
            if setting(text, "reacting", ".true.") == ".true.":
                radical = setting(text, "radical", "OH")
                names = {"temperature": "T", "heat_release": "heat_release", radical: f"Y_{radical}"}
            check_pictures(folder / "out/put", names, done.stdout, points, spacing, arrays)
        for item in given.expect:
            quantity, limits = item.split("=")
            low, high = map(float, limits.split(":"))
            if not low <= last[quantity] <= high:
                sys.exit(f"{quantity} is {last[quantity]}, expected {low} to {high}")


if __name__ == "__main__":
    main()
