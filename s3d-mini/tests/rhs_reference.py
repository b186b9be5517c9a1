#!/usr/bin/env python3
"""Compare the whole right-hand side with spectral reference values on a sequence of grids.

usage: rhs_reference.py S3D_RHS MECHANISM REFERENCE.json VARIANT METHOD LAUNCHER... -- N [N ...]
VARIANT is a key of the reference file's "rhs". Python's standard library is enough.
"""
import array
import json
import math
import pathlib
import subprocess
import sys
import tempfile

# Errors to be met, of two digits. Those of the full right-hand side are the reference's own; the others were measured with this
# code and stand so that no change makes them worse unseen.
FULL = {12: "2.0e-3", 16: "3.0e-4", 24: "1.7e-5", 32: "2.0e-6", 48: "8.6e-8", 64: "8.9e-9"}
LIMITS = {
    "full_last_species_closure": FULL,
    "nochem": FULL,
    "full_correction_velocity": {**FULL, 16: "3.1e-4", 64: "9.0e-9"},
    "euler": {12: "2.2e-3", 16: "3.4e-4", 24: "1.9e-5", 32: "2.2e-6", 48: "9.5e-8", 64: "9.9e-9"},
}
# The order between two neighbouring grids must be above these.
ORDERS = {16: 6.4, 24: 7.0, 32: 7.4, 48: 7.5, 64: 7.8}
INPUT = """&run case_name = 'manufactured', mechanism = '{mechanism}', points = 3*{n}, length = 3*1d-3,
viscous = {viscous}, reacting = {reacting}, correction_velocity = {correction}, method = '{method}', pictures = .false. /
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
        order = math.log(last[1] / error) / math.log(n / last[0]) if last else math.inf
        fine = float(f"{error:.1e}") <= float(LIMITS[variant][n]) and order > ORDERS.get(n, 0)
        good = good and fine
        print(f"{variant} {method} N={n}: error {error:.3e} (limit {LIMITS[variant][n]}), order {order:.2f}"
              f" (above {ORDERS.get(n, 0)}){'' if fine else ' FAILED'}", flush=True)
        last = (n, error)
    print("PASSED" if good else "FAILED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
