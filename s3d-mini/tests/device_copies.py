#!/usr/bin/env python3
"""Of the state nothing crosses between host and device while tasks update it, whatever the number of stages, filters and choices of the time step.

usage: device_copies.py S3D_MINI COUNT_COPIES_LIBRARY FOLDER
A long line of points, where ghost planes are next to nothing beside the state: runs of two lengths differ by those alone. The same with
updates in Fortran shows that copies are seen.
"""
import os
import pathlib
import re
import subprocess
import sys

SPECIES, POINTS, STAGES = 10, 2048, 6
STATE = 8 * (SPECIES + 4) * POINTS
# Four planes at either end: of each primitive field (N+5), and of each flux (N+4).
GHOSTS = 2 * 4 * 8 * ((SPECIES + 5) + (SPECIES + 4))
# For the filter five, of the state. The rates that limit a step are three numbers, which a device keeps in a piece of 256 bytes.
FILTER_GHOSTS, RATES = 2 * 5 * 8 * (SPECIES + 4), 256
INPUT = """&run
  case_name = 'flame_1d', method = '{method}', update = '{update}', mapper = 'device', pictures = .false., fields = .false.
  mechanism = 's3d-mini/mechanisms/h2o2', output = '{folder}', points = {points}, 1, 1, length = 0.05, 2*1d-4
  steps = {steps}, {control}, report_every = {steps}
/
&initial
/
"""


def copied(program, layer, folder, **case):
    """Bytes to the device and to the host in one run."""
    path, counted = folder / "device_copies.nml", folder / "device_copies.txt"
    path.write_text(INPUT.format(folder=folder, points=POINTS, **case))
    counted.unlink(missing_ok=True)
    environment = {**os.environ, "OPENCL_LAYERS": layer, "COPIES_COUNTED": str(counted), "COHORT_DEVICES": "opencl", "COHORT_WORKERS": "2"}
    run = subprocess.run([program, path], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if "PASSED" not in run.stdout:
        sys.exit(f"{case}: FAILED\n{run.stdout}")
    if not counted.exists():
        sys.exit("FAILED: nothing was counted; does this OpenCL loader know OPENCL_LAYERS?")
    return [int(bytes_) for bytes_ in re.findall(r"(\d+) bytes", counted.read_text())]


def main():
    program, layer, folder = sys.argv[1:]
    folder = pathlib.Path(folder)
    given, chosen = "fixed_dt = 1d-9, filter_every = 0", "filter_every = 2"
    # Who updates and how, steps of a short run and a long one, and what the long one may move besides: lengths are chosen every fifth step.
    cases = [
        ("tasks", given, 2, 4, 0),
        ("tasks", chosen, 5, 15, 5 * FILTER_GHOSTS + 2 * RATES),
        ("fortran", given, 2, 4, None),
    ]
    good = True
    for method in ("direct", "tasks"):
        for update, control, few, many, besides in cases:
            short, long = (copied(program, layer, folder, method=method, update=update, control=control, steps=n) for n in (few, many))
            moved, stages = [b - a for a, b in zip(short, long)], STAGES * (many - few)
            if update == "tasks":
                holds = max(moved) <= stages * GHOSTS + besides and short[0] >= STATE
            else:
                # The state goes there and the right-hand side comes back, at least.
                holds = min(moved) >= stages * STATE
            print(f"{method}, update by {update}, {control}: in {many - few} steps {moved[0]} bytes to the device and {moved[1]} back;",
                  f"state {STATE}, ghosts of a stage {GHOSTS}{'' if holds else ' FAILED'}")
            good = good and holds
    print("PASSED" if good else "FAILED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
