#!/usr/bin/env python3
"""Ask the compiler which loops it vectorised, and fail when a loop over grid points is not among them.

usage: vectorised.py MODULES OPTION_SETS.. -- COMPILER FLAG [FLAG ...]
MODULES is the folder of the build's .mod files. An option set is SOURCE[,FLAG...]: a kernel and the flags only it has.
A loop over grid points is a "do i" loop without a loop inside; each is told by its file and procedure.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

LOOP = re.compile(r"\s*do i = ", re.IGNORECASE)
ANY_LOOP = re.compile(r"\s*do\b", re.IGNORECASE)
END_LOOP = re.compile(r"\s*end do\b", re.IGNORECASE)
PROCEDURE = re.compile(r"\s*(?:pure |elemental |recursive )*(?:subroutine|(?:real\(8\) |integer |logical )?function)\s+(\w+)", re.IGNORECASE)


def point_loops(source):
    """(line, procedure) of every innermost do-i loop."""
    found, stack, procedure = [], [], "?"
    for number, line in enumerate(source.read_text().splitlines(), 1):
        if match := PROCEDURE.match(line):
            procedure = match.group(1)
        if END_LOOP.match(line):
            start, over_points, innermost = stack.pop()
            if over_points and innermost:
                found.append((start, procedure))
        elif ANY_LOOP.match(line):
            stack = [(start, over_points, False) for start, over_points, _ in stack]
            stack.append((number, bool(LOOP.match(line)), True))
    return found


def vectorised_lines(command, source, modules):
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder, "report")
        subprocess.run([*command, f"-I{modules}", f"-J{folder}", "-c", "-o", pathlib.Path(folder, "object.o"),
                        f"-fopt-info-vec-optimized={report}", source], check=True)
        text = report.read_text() if report.exists() else ""
    return {int(line) for line in re.findall(re.escape(source.name) + r":(\d+):\d+: optimized: loop vectorized", text)}


def main():
    split = sys.argv.index("--")
    modules, *option_sets = sys.argv[1:split]
    command = [flag for flag in sys.argv[split + 1:] if flag]
    missing, total = [], 0
    for option_set in option_sets:
        path, *flags = option_set.split(",")
        source = pathlib.Path(path)
        loops = point_loops(source)
        done = vectorised_lines([*command, *flags], source, modules)
        total += len(loops)
        missing += [f"{source.name}:{line}: the loop in {procedure} is not vectorised" for line, procedure in loops if line not in done]
        print(f"{source.name}: {sum(line in done for line, _ in loops)} of {len(loops)} loops over points vectorised")
    print("\n".join(missing + ["FAILED" if missing or not total else "PASSED"]))
    return 1 if missing or not total else 0


if __name__ == "__main__":
    sys.exit(main())
