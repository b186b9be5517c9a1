#!/usr/bin/env python3
"""Print transport fits of a mechanism in the format the mini-app reads, from Cantera 3 (pip install cantera).

usage: fits_from_cantera.py INPUT.yaml FORM > transport.fits
INPUT.yaml is a file that Cantera finds (h2o2.yaml, gri30.yaml, a path); FORM is CANTERA or CHEMKIN.
"""
import sys

import cantera

FORMS = {"CANTERA": ("mixture-averaged", 5), "CHEMKIN": ("mixture-averaged-CK", 4)}


def numbers(polynomial, count):
    return " ".join(repr(float(value)) for value in polynomial[:count])


def main():
    if len(sys.argv) != 3 or sys.argv[2] not in FORMS:
        sys.exit(__doc__)
    model, count = FORMS[sys.argv[2]]
    gas = cantera.Solution(sys.argv[1], transport_model=model)
    names = gas.species_names
    print("FORM", sys.argv[2])
    for k, name in enumerate(names):
        viscosity = numbers(gas.get_viscosity_polynomial(k), count)
        print(name, viscosity, numbers(gas.get_thermal_conductivity_polynomial(k), count))
    for j, first in enumerate(names):
        for k in range(j + 1, len(names)):
            print(first, names[k], numbers(gas.get_binary_diff_coeffs_polynomial(j, k), count))


if __name__ == "__main__":
    main()
