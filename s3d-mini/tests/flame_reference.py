#!/usr/bin/env python3
"""Compare the consumption speed of a laminar flame with its grid-converged reference.

usage: flame_reference.py REFERENCE.json PHI LIMIT LAUNCHER... S3D_FLAME INPUT
"""
import json
import pathlib
import subprocess
import sys


def main():
    reference_path, phi, limit, *command = sys.argv[1:]
    flames = json.loads(pathlib.Path(reference_path).read_text())["flames"]
    expected = next(flame for flame in flames if flame["phi"] == float(phi))["extrapolated"]["S_c_H2"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    print(output, end="")
    speed = float(output.split("consumption_speed")[1])
    error = abs(speed / expected - 1)
    good = error <= float(limit)
    print(f"phi = {phi}: consumption speed {speed:.6f} m/s, reference {expected:.6f}, relative error {error:.1e}, limit {limit}")
    print("PASSED" if good else "FAILED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
