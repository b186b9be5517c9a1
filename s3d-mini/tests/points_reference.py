#!/usr/bin/env python3
"""Compare point physics with reference values, column by column.

usage: points_reference.py S3D_CHECK_POINTS MECHANISM [--transport FILE] [--transport-limit X] TABLE.csv [TABLE.csv ...]
The tables hold the same states, by line; the first has T, P and Y_*. Every column that the program computes and a table has
is compared. Rates are measured by creation plus destruction (columns cdot_*), enthalpies by at least 1 kJ/kg.
"""
import argparse
import csv
import pathlib
import subprocess
import sys
import tempfile

EXACT = 1e-12
LIMITS = [("rho", EXACT), ("W", EXACT), ("cp_mass", EXACT), ("cv_mass", EXACT), ("u_mass", EXACT), ("h_mass", EXACT),
          ("sound_speed", EXACT), ("T_from_u", 1e-9), ("h_", EXACT), ("wdot_", 1e-10), ("mu", 1e-10), ("lambda", 1e-10), ("D_", 1e-10)]
TRANSPORT = ("mu", "lambda", "D_")
LEAST_ENTHALPY = 1e3


def read(path):
    with open(path, newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def group_of(column):
    for name, limit in LIMITS:
        if column == name or name.endswith("_") and column.startswith(name):
            return name, limit
    return None


def scale_of(column, group, expected):
    value = abs(expected[column])
    if group == "wdot_":
        # Creation plus destruction; where neither is, an exact zero is asked for.
        return max(2 * expected["cdot_" + column[len("wdot_"):]] - expected[column], 1e-200)
    if group == "h_" or column in ("u_mass", "h_mass"):
        return max(value, LEAST_ENTHALPY)
    return value


def compare(states, computed):
    worst = {}
    for expected, got in zip(states, computed, strict=True):
        expected["T_from_u"] = expected["T"]
        for column, value in got.items():
            if column not in expected:
                continue
            group, _ = group_of(column)
            error = abs(value - expected[column]) / scale_of(column, group, expected)
            if not error <= worst.get(group, (0.0, 0))[0]:
                worst[group] = (error, column)
            worst.setdefault(group, (0.0, column))
    return worst


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("mechanism")
    parser.add_argument("--transport", default="")
    parser.add_argument("--transport-limit", type=float)
    parser.add_argument("--expect", required=True, help="groups that must have been compared, by comma")
    parser.add_argument("tables", nargs="+")
    options = parser.parse_args()
    tables = [read(path) for path in options.tables]
    states = [{key: value for row in rows for key, value in row.items()} for rows in zip(*tables, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        result = pathlib.Path(folder, "result.csv")
        subprocess.run([options.program, options.mechanism, options.tables[0], result, options.transport], check=True)
        computed = read(result)
    # The one that is had by difference from the density.
    if [name for name in computed[0] if name.startswith("wdot_")][-1] != "wdot_N2" and "wdot_N2" in computed[0]:
        sys.exit("N2 is not the last species")
    worst = compare(states, computed)
    good = set(options.expect.split(",")) <= set(worst)
    for name, limit in LIMITS:
        if name in TRANSPORT and options.transport_limit:
            limit = options.transport_limit
        if name in worst:
            error, column = worst[name]
            good = good and error <= limit
            print(f"{name:12} largest relative error {error:.2e} ({column}), limit {limit:.0e}")
    print(f"{len(states)} states")
    print("PASSED" if good else "FAILED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
