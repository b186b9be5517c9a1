#!/usr/bin/env python3
"""Compare the whole right-hand side with spectral reference values on a sequence of grids.

usage: rhs_reference.py S3D_RHS MECHANISM REFERENCE.json VARIANT METHOD LAUNCHER... -- N [N ...]
VARIANT is a key of the reference file's "rhs". Limits: the errors that the reference states for each grid.
"""
import array
import json
import math
import pathlib
import subprocess
import sys
import tempfile

LIMITS = {12: 2.0e-3, 16: 3.0e-4, 24: 1.7e-5, 32: 2.0e-6, 48: 8.6e-8, 64: 8.9e-9}
# The stated errors are those of the full right-hand side, rounded to two digits.
MARGIN = 1.2
INPUT = """&run case_name = 'manufactured', mechanism = '{mechanism}', points = 3*{n}, length = 3*1d-3,
viscous = {viscous}, reacting = {reacting}, correction_velocity = {correction}, method = '{method}' /
&initial temperature = 1600.0 /
"""


def flag(value):
    return ".true." if value else ".false."


def compute(program, launcher, mechanism, variant, n, method):
    with tempfile.TemporaryDirectory() as folder:
        given = pathlib.Path(folder, "input.nml")
        result = pathlib.Path(folder, "rhs.raw")
        given.write_text(INPUT.format(mechanism=mechanism, n=n, method=method, viscous=flag(variant != "euler"),
                                      reacting=flag(variant.startswith("full")), correction=flag(variant.endswith("velocity"))))
        subprocess.run([*launcher, program, given, "initial", result], check=True)
        values = array.array("d")
        values.frombytes(result.read_bytes())
        return values


def error_of(values, reference, scale, n):
    step = n // 4
    worst = 0.0
    for m, component in enumerate(reference):
        for i in range(4):
            for j in range(4):
                for k in range(4):
                    got = values[((m * n + k * step) * n + j * step) * n + i * step]
                    difference = abs(got - component[i][j][k]) / scale[m]
                    if not difference <= worst:
                        worst = difference
    return worst


def main():
    split = sys.argv.index("--")
    program, mechanism, reference_path, variant, method, *launcher = sys.argv[1:split]
    reference = json.loads(pathlib.Path(reference_path).read_text())
    good, last = True, None
    for n in map(int, sys.argv[split + 1:]):
        values = compute(program, launcher, mechanism, variant, n, method)
        error = error_of(values, reference["rhs"][variant], reference["scale"][variant], n)
        order = math.log(last[1] / error) / math.log(n / last[0]) if last else float("nan")
        fine = error <= MARGIN * LIMITS[n] and not (last and last[0] == 32 and n == 48 and order <= 7.5)
        good = good and fine
        print(f"{variant} {method} N={n}: error {error:.2e} (limit {MARGIN * LIMITS[n]:.2e}), order {order:.2f}", flush=True)
        last = (n, error)
    print("PASSED" if good else "FAILED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
