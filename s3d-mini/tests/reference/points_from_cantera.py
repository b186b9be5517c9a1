#!/usr/bin/env python3
"""Print point states of a mechanism with their thermodynamics, rates and transport as Cantera 3 computes them, as a CSV table.

usage: points_from_cantera.py INPUT.yaml[:PHASE] STATES [MODEL] > kinetics_NAME.csv
MODEL is Cantera's transport model (mixture-averaged); without it the table has no transport.
Compositions are drawn evenly from the simplex or over twelve decades, a third of the latter with exact zeros.
"""
import random
import sys

import cantera


def composition(draw, index, count):
    if index % 2 == 0:
        parts = [draw.expovariate(1) for _ in range(count)]
    else:
        parts = [10 ** draw.uniform(-12, 0) for _ in range(count)]
        if index % 3 == 0:
            parts = [part if draw.random() < 0.4 else 0.0 for part in parts[:-1]] + [1.0]
    return [part / sum(parts) for part in parts]


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    path, _, phase = sys.argv[1].partition(":")
    model = sys.argv[3] if len(sys.argv) == 4 else None
    gas = cantera.Solution(path, phase, transport_model=model)
    names = [name.upper() for name in gas.species_names]
    groups = ["h", "wdot", "cdot"] + (["D"] if model else [])
    header = ["id", "T", "P"] + [f"Y_{name}" for name in names]
    header += ["rho", "W", "cp_mass", "cv_mass", "u_mass", "h_mass", "sound_speed"] + (["mu", "lambda"] if model else [])
    print(",".join(header + [f"{group}_{name}" for group in groups for name in names]))
    draw = random.Random(1)
    for index in range(int(sys.argv[2])):
        # Away from 1000 K, where the two ranges of the polynomials do not join exactly.
        temperature = draw.choice([draw.uniform(300, 990), draw.uniform(1010, 3000)])
        gas.TPY = temperature, 101325 * 40 ** draw.uniform(-0.2, 1), composition(draw, index, gas.n_species)
        row = [gas.T, gas.P, *gas.Y, gas.density, gas.mean_molecular_weight, gas.cp_mass, gas.cv_mass, gas.int_energy_mass,
               gas.enthalpy_mass, gas.sound_speed]
        if model:
            row += [gas.viscosity, gas.thermal_conductivity]
        row += [*(gas.partial_molar_enthalpies / gas.molecular_weights), *gas.net_production_rates, *gas.creation_rates]
        if model:
            row += list(gas.mix_diff_coeffs)
        print(",".join([str(index)] + [repr(float(value)) for value in row]))


if __name__ == "__main__":
    main()
