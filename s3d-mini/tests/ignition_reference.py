#!/usr/bin/env python3
"""Compare ignition delays of a closed vessel with reference values.

usage: ignition_reference.py S3D_IGNITION MECHANISM REFERENCE.json [--whole] CASE [CASE ...]
CASE is a case of the reference, as T1100_p1_phi1. With --whole each runs to the reference's last state, which is compared too.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

DELAY_LIMIT = 1e-4
STATE_LIMIT = 1e-5
# Real stability limit 4.687 of the scheme, with room for eigenvalues off the axis.
STABLE = 4.0
INPUT = """&vessel mechanism = '{mechanism}', temperature = {T0}, pressure = {pressure}, dt = {dt}, end_time = {end_time},
species = {species}, moles = {moles} /
"""


def run(program, mechanism, case, end_time):
    weights = {"H2": 2.016, "O2": 31.998, "N2": 28.014, "CH4": 16.043}
    text = INPUT.format(mechanism=mechanism, T0=case["T0"], pressure=repr(101325.0 * case["p0_atm"]),
                        dt=repr(STABLE / case["max_abs_eigenvalue_1_per_s"]), end_time=repr(end_time),
                        species=", ".join(f"'{name}'" for name in case["Y0"]),
                        moles=", ".join(repr(value / weights[name]) for name, value in case["Y0"].items()))
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "vessel.nml")
        path.write_text(text)
        output = subprocess.run([program, path], check=True, capture_output=True, text=True).stdout
    return {name: float(value) for name, value in (line.split() for line in output.splitlines())}


def main():
    program, mechanism, reference_path, *names = sys.argv[1:]
    whole = "--whole" in names
    cases = {case["case"]: case for case in json.loads(pathlib.Path(reference_path).read_text())["cases"]}
    good = True
    for name in names:
        if name == "--whole":
            continue
        case = cases[name]
        end_time = case["t_end"] if whole else 1.3 * max(case["tau_max_dTdt"], case["tau_T0_plus_400K"])
        got = run(program, mechanism, case, end_time)
        checks = [("tau_max_dTdt", DELAY_LIMIT), ("tau_T0_plus_400K", DELAY_LIMIT)]
        if whole:
            checks += [("T_end", STATE_LIMIT), ("P_end", STATE_LIMIT)]
        for key, limit in checks:
            error = abs(got[key] / case[key] - 1)
            good = good and error <= limit
            print(f"{name} {key}: {got[key]:.9e}, reference {case[key]:.9e}, relative error {error:.1e}, limit {limit:.0e}", flush=True)
    print("PASSED" if good else "FAILED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
