#!/usr/bin/env python3
"""Run a short flame on one rank and on several and compare: the ends of the duct belong to different ranks.

usage: flame_ranks.py S3D_FLAME MECHANISM LAUNCHER... (which starts several ranks)
"""
import csv
import pathlib
import subprocess
import sys
import tempfile

LIMIT = 1e-10
INPUT = """&premixed mechanism = '{mechanism}', profile = '{profile}', species = 'H2', 'O2', 'N2', moles = 1.4, 1.0, 3.76,
burnt_species = 'H2O', 'O2', 'N2', burnt_moles = 1.4, 0.3, 3.76, inlet_velocity = 1.25, length = 0.005, points = 152,
dt = 5.2d-8, end_time = 1.04d-5, report_every = 50 /
"""


def profile_of(command, mechanism):
    with tempfile.TemporaryDirectory() as folder:
        given, profile = pathlib.Path(folder, "flame.nml"), pathlib.Path(folder, "profile.csv")
        given.write_text(INPUT.format(mechanism=mechanism, profile=profile))
        subprocess.run([*command, given], check=True, stdout=subprocess.DEVNULL)
        with open(profile, newline="") as file:
            return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def main():
    program, mechanism, *launcher = sys.argv[1:]
    one, several = profile_of([program], mechanism), profile_of([*launcher, program], mechanism)
    worst = 0.0
    for column in one[0]:
        scale = max(abs(row[column]) for row in one) or 1.0
        for first, second in zip(one, several, strict=True):
            difference = abs(first[column] - second[column]) / scale
            if not difference <= worst:
                worst = difference
    good = worst <= LIMIT and max(row["T"] for row in one) > 1500 and len(one) == 152
    print(f"largest difference between the profiles {worst:.1e}, limit {LIMIT:.0e}")
    print("PASSED" if good else "FAILED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
