#!/usr/bin/env python3
"""Feed the mechanism reader changed copies of a mechanism.

usage: reader.py S3D_CHECK_POINTS MECHANISM STATES.csv
What is malformed must be refused with file, line and reason. What CHEMKIN files contain in the wild must be read, and give the
same rates as the original.
"""
import csv
import pathlib
import shutil
import subprocess
import sys
import tempfile

HEADING = "REACTIONS CAL/MOLE MOLE"
FALL_OFF = "2 OH (+M) <=> H2O2 (+M)    7.400000E+13 -0.37 0.0"
LOW = "LOW /2.300000E+18 -0.9 -1700.0/"
TROE = "TROE /0.7346 94 1756 5182/"
SIMPLE = "H2 + O <=> H + OH          38700.0 2.7 6260.0"
THIRD = "H + O + M <=> OH + M       5.000000E+17 -1.0 0.0"
EFFICIENCIES = "AR/7.000E-01/ H2/2.000E+00/ H2O/6.000E+00/"
OH_CARD = "OH                RUS78 H   1O   1          G200.000   3500.000  1000.000      1"
OH_CARD_2 = " 3.09288767E+00 5.48429716E-04 1.26505228E-07-8.79461556E-11 1.17412376E-14    2"
OH_CARD_4 = "-3.88113333E-09 1.36411470E-12 3.61508056E+03-1.03925458E-01                   4"
H2_MOLECULE = "H2                 1    38.000     2.920     0.000     0.790   280.000"

# name: file, text, what replaces its first occurrence, lines below it where the error is told, a part of the reason
REFUSED = {
    "text outside the sections": ("chem.inp", "ELEM\n", "HELLO\nELEM\n", 0, "stands outside ELEMENTS"),
    "unknown element": ("chem.inp", "O H Ar N", "O H Ar Xx", 0, 'element "XX" has no known weight'),
    "species twice": ("chem.inp", "H2  H  O  O2", "H2  H  O  O2 H2", 0, 'species "H2" is listed twice'),
    "species with a plus": ("chem.inp", "H2  H  O  O2", "H2  H  O  O2 OH+", 0, "may not begin with a digit"),
    "species name too long": ("chem.inp", "H2  H  O  O2", "H2  H  O  O2 ABCDEFGHIJKLMNOPQ", 0, "longer than 16 characters"),
    "unknown unit": ("chem.inp", HEADING, "REACTIONS CAL/MOLE POUNDS", 0, 'unit "POUNDS" is none of'),
    "two numbers": ("chem.inp", SIMPLE, "H2 + O <=> H + OH 38700.0 2.7", 0, "must end in three numbers"),
    "number with a letter": ("chem.inp", SIMPLE, "H2 + O <=> H + OH 38700.0 2.7 6260.0x", 0, "must end in three numbers"),
    "number repeated the Fortran way": ("chem.inp", SIMPLE, "H2 + O <=> H + OH 38700.0 1*2.7 6260.0", 0, "must end in three numbers"),
    "number with a comma": ("chem.inp", SIMPLE, "H2 + O <=> H + OH 38700.0 2,7 6260.0", 0, "must end in three numbers"),
    "number that overflows": ("chem.inp", SIMPLE, "H2 + O <=> H + OH 1E999 2.7 6260.0", 0, "must end in three numbers"),
    "zero factor": ("chem.inp", SIMPLE, "H2 + O <=> H + OH 0.0 2.7 6260.0", 0, "pre-exponential factor is zero"),
    "unknown species": ("chem.inp", SIMPLE, "H2 + OX <=> H + OH 38700.0 2.7 6260.0", 0, 'species "OX" is not among'),
    "fractional coefficient": ("chem.inp", SIMPLE, "0.5H2 + O <=> H + OH 38700.0 2.7 6260.0", 0, "must be whole"),
    "species missing beside plus": ("chem.inp", SIMPLE, "H2 + + O <=> H + OH 38700.0 2.7 6260.0", 0, 'missing beside "+"'),
    "empty side": ("chem.inp", SIMPLE, "H2 + O <=> 38700.0 2.7 6260.0", 0, "species on both sides"),
    "two arrows": ("chem.inp", SIMPLE, "H2 <=> O <=> H + OH 38700.0 2.7 6260.0", 0, 'has one "="'),
    "not balanced": ("chem.inp", SIMPLE, "H2 + O <=> H + 2 OH 38700.0 2.7 6260.0", 0, "does not balance in H"),
    "M on one side": ("chem.inp", THIRD, "H + O + M <=> OH 5.000000E+17 -1.0 0.0", 0, "same on both sides"),
    "(+M) against M": ("chem.inp", FALL_OFF, "2 OH (+M) <=> H2O2 + M 7.4E13 -0.37 0.0", 0, "same on both sides"),
    "unclosed (+M": ("chem.inp", FALL_OFF, "2 OH (+M <=> H2O2 (+M) 7.4E13 -0.37 0.0", 0, '"(+" without ")"'),
    "unknown collider": ("chem.inp", FALL_OFF, "2 OH (+HE) <=> H2O2 (+HE) 7.4E13 -0.37 0.0", 0, 'collider "HE" is not among'),
    "fall-off without LOW": ("chem.inp", LOW + "\n", "", -1, "needs LOW"),
    "LOW with two numbers": ("chem.inp", LOW, "LOW /2.3E+18 -0.9/", 0, "LOW needs three numbers"),
    "LOW twice": ("chem.inp", LOW, LOW + "\n" + LOW, 1, "LOW needs three numbers"),
    "LOW of an elementary reaction": ("chem.inp", SIMPLE, SIMPLE + "\n" + LOW, 1, "LOW needs three numbers"),
    "TROE with two numbers": ("chem.inp", TROE, "TROE /0.7346 94/", 0, "TROE needs three or four"),
    "TROE with five numbers": ("chem.inp", TROE, "TROE /0.7346 94 1756 5182 1/", 0, "TROE needs three or four"),
    "unsupported keyword": ("chem.inp", TROE, "SRI /0.5 94 1756/", 0, "SRI is not supported"),
    "efficiency of nothing": ("chem.inp", EFFICIENCIES, "XX/2.0/", 0, '"XX" is neither a known keyword nor a species'),
    "efficiency not a number": ("chem.inp", EFFICIENCIES, "H2/two/", 0, "must be one number"),
    "negative efficiency": ("chem.inp", EFFICIENCIES, "H2/-2/", 0, "is negative"),
    "efficiency twice": ("chem.inp", EFFICIENCIES, "H2/2/ H2/3/", 0, "given twice"),
    "efficiency of an elementary reaction": ("chem.inp", SIMPLE, SIMPLE + "\nH2/2/", 1, "efficiencies need a reaction with M"),
    "slash not closed": ("chem.inp", EFFICIENCIES, "H2/2.0", 0, "expected KEY /values/"),
    "auxiliary line first": ("chem.inp", HEADING, HEADING + "\nH2/2/", 1, "expected a reaction"),
    "undeclared duplicate": ("chem.inp", SIMPLE, SIMPLE + "\nO + H2 = OH + H 1.0 0.0 0.0", 1, "mark both DUPLICATE"),
    "duplicate alone": ("chem.inp", SIMPLE, SIMPLE + "\nDUPLICATE", 0, "no other line has this reaction"),
    "thermodynamics in chem.inp": ("chem.inp", HEADING, "THERMO ALL\nEND\n" + HEADING, 0, "belong into therm.dat"),
    "line too long": ("chem.inp", SIMPLE, SIMPLE + " " * 1200 + "x", 0, "longer than 1024 characters"),
    "continued past the end": ("chem.inp", "DUPLICATE\nEND", "DUPLICATE\nEND\nH &", 2, 'ends after a continuation'),
    "species without data": ("therm.dat", OH_CARD, OH_CARD.replace("OH ", "OX "), None, "species OH is missing"),
    "card number missing": ("therm.dat", OH_CARD, OH_CARD[:-1] + " ", 0, "1 in column 80"),
    "card out of order": ("therm.dat", OH_CARD_2, OH_CARD_2[:-1] + "3", 0, "expected card 2 of OH"),
    "file ends in a species": ("therm.dat", OH_CARD_2, "", 0, "expected card 2 of OH"),
    "broken coefficient": ("therm.dat", OH_CARD_2, OH_CARD_2.replace("5.48429716E-04", "5.48429716E-O4"), 0, "is not a coefficient"),
    "missing coefficient": ("therm.dat", OH_CARD_4, " " * 15 + OH_CARD_4[15:], 0, "is not a coefficient"),
    "element not declared": ("therm.dat", OH_CARD, OH_CARD.replace("O   1", "C   1"), 0, 'element "C" is not among'),
    "atoms not whole": ("therm.dat", OH_CARD, OH_CARD.replace("O   1", "O  .5"), 0, "not a whole number"),
    "no elements": ("therm.dat", OH_CARD, OH_CARD.replace("H   1O   1", " " * 10), 0, "OH has no elements"),
    "temperatures out of order": ("therm.dat", OH_CARD, OH_CARD.replace("1000.000 ", "9000.000 "), 0, "out of order"),
    "temperature missing": ("therm.dat", OH_CARD, OH_CARD.replace("1000.000 ", " " * 9), 0, "must stand in columns"),
    "no molecule": ("tran.dat", H2_MOLECULE + "\n", "", None, "species H2 is missing"),
    "molecule short of a number": ("tran.dat", H2_MOLECULE, "H2 1 38.0 2.92 0.0 0.79", 0, "H2 needs six numbers"),
    "unknown geometry": ("tran.dat", H2_MOLECULE, "H2 3 38.0 2.92 0.0 0.79 280.0", 0, "geometry must be 0"),
    "negative diameter": ("tran.dat", H2_MOLECULE, "H2 1 38.0 -2.92 0.0 0.79 280.0", 0, "must be positive"),
    "negative dipole": ("tran.dat", H2_MOLECULE, "H2 1 38.0 2.92 -1.0 0.79 280.0", 0, "must not be negative"),
    "molecule twice": ("tran.dat", H2_MOLECULE, H2_MOLECULE + "\n" + H2_MOLECULE, 1, "given twice"),
    "form not told": ("transport.fits", "FORM CANTERA\n", "", 0, "must be FORM CANTERA or FORM CHEMKIN"),
    "fits of another order": ("transport.fits", "\nO2 ", "\nXX ", 1, "expected a species with 10 coefficients"),
    "fit twice": ("transport.fits", "\nO2 ", "\nO ", 1, "O came before"),
    "pair twice": ("transport.fits", "\nAR N2 ", "\nN2 H2 ", 1, "N2 H2 came before"),
    "pair of one": ("transport.fits", "\nAR N2 ", "\nN2 N2 ", 1, "N2 N2 came before"),
    "fit short of a number": ("transport.fits", "\nAR N2 -0.00", "\nAR N2 0 -0.00", 1, "expected two species with 5 coefficients"),
}

# name: file, text, what replaces its first occurrence
READ = {
    "words run together": ("chem.inp", "2 O + M <=> O2 + M ", "2O+M<=>O2+M "),
    "equals sign": ("chem.inp", SIMPLE, SIMPLE.replace("<=>", "=")),
    "lower case": ("chem.inp", SIMPLE, SIMPLE.lower()),
    "comment, tab and carriage return": ("chem.inp", SIMPLE, "\t" + SIMPLE.replace(" <", "\t<") + "\t! = not a reaction\r"),
    "continuation": ("chem.inp", SIMPLE, "H2 + O <=> & ! the rest below\n H + OH 38700.0 2.7 6260.0"),
    "Fortran exponent": ("chem.inp", SIMPLE, SIMPLE.replace("38700.0", "3.87D+04")),
    "efficiencies over two lines": ("chem.inp", EFFICIENCIES, "AR/0.7/ H2 /2/\nH2O / 6.0 /"),
    "full section names": ("chem.inp", "ELEM\n", "ELEMENTS\n"),
    "a species that is not used": ("therm.dat", OH_CARD, OH_CARD.replace("OH ", "ZZ ") + "\n" + "\n".join(
        [OH_CARD_2, OH_CARD_2[:-1] + "3", OH_CARD_4]) + "\n" + OH_CARD),
    "blank in an exponent": ("therm.dat", "3.33727920E+00", "3.33727920E 00"),
    "lower case species": ("therm.dat", OH_CARD, OH_CARD.replace("OH ", "oh ")),
}

# Units on the REACTIONS line: a unit of energy, how many make a calorie a mole; what A of each order above the first is times.
UNITS = {
    "KCAL/MOLE MOLES": (1e-3, 1.0),
    "JOULES/MOLE MOLE": (4.184, 1.0),
    "KJOULES/MOLE": (4.184e-3, 1.0),
    "KELVINS MOLES": (4.184 / 8.31446261815324, 1.0),
    "EVOLTS": (4.184 / (6.02214076e23 * 1.602176634e-19), 1.0),
    "CAL/MOLE MOLECULES": (1.0, 1 / 6.02214076e23),
}
UNITS_LIMIT = 1e-10


def compute(program, folder, states, transport=""):
    result = folder / "result.csv"
    done = subprocess.run([program, folder, states, result, transport], capture_output=True, text=True)
    return done.returncode, done.stderr, result.read_text() if done.returncode == 0 else ""


def changed_copy(mechanism, folder, file, old, new):
    """A copy with the first `old` replaced; the line where it stood."""
    for path in mechanism.iterdir():
        shutil.copy(path, folder)
    path = folder / file
    text = path.read_text()
    if old not in text:
        raise ValueError(f"{file} has no {old!r}")
    path.write_text(text.replace(old, new, 1))
    return text[:text.index(old)].count("\n") + 1


def refusal(program, mechanism, states, case):
    """None, or what is wrong with how the case was refused."""
    file, old, new, below, reason = case
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        line = changed_copy(mechanism, folder, file, old, new)
        status, text, _ = compute(program, folder, states, file if file.startswith("tran") else "")
        place = f"{file}:" if below is None else f"{file}:{line + below}: "
        if status == 0:
            return "was accepted"
        if status != 1 or place not in text or reason not in text or text.count("\n") != 1:
            return f"status {status}, expected '{place} .. {reason} ..', got: {text}"
    return None


def reading(program, mechanism, states, case, expected):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        changed_copy(mechanism, folder, *case)
        status, text, result = compute(program, folder, states)
        if status != 0:
            return f"was refused: {text}"
        for row, original in zip(csv.DictReader(result.splitlines()), csv.DictReader(expected.splitlines()), strict=True):
            if row != original:
                return "gives other results"
    return None


def in_units(text, energy, amount):
    """chem.inp with the numbers of every reaction and LOW line converted."""
    lines, order = [], 0
    for line in text.split("\n"):
        if "=>" in line:
            equation, *numbers = line.rsplit(maxsplit=3)
            terms = [term.split() for term in equation.replace("(+M)", "").split("<")[0].split("+")]
            order = sum(int(term[0]) if len(term) == 2 else 1 for term in terms)
            power = order - 1
        elif line.startswith("LOW"):
            equation, numbers, power = "LOW /", line[5:-1].split(), order
        else:
            lines.append(line)
            continue
        numbers = [float(numbers[0]) * amount**power, float(numbers[1]), float(numbers[2]) * energy]
        lines.append(f"{equation} {' '.join(map(repr, numbers))}{'/' if equation[0:3] == 'LOW' else ''}")
    return "\n".join(lines)


def units(program, mechanism, states, heading, factors, expected):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        changed_copy(mechanism, folder, "chem.inp", HEADING, f"REACTIONS {heading}")
        path = folder / "chem.inp"
        path.write_text(in_units(path.read_text(), *factors))
        status, text, result = compute(program, folder, states)
    if status != 0:
        return f"was refused: {text}"
    for row, original in zip(csv.DictReader(result.splitlines()), csv.DictReader(expected.splitlines()), strict=True):
        rates = {name: float(value) for name, value in original.items() if name.startswith("wdot")}
        scale = max(map(abs, rates.values()))
        if max(abs(float(row[name]) - value) for name, value in rates.items()) > UNITS_LIMIT * scale:
            return "gives other rates"
    return None


def main():
    program, mechanism, states = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        changed_copy(mechanism, folder, "chem.inp", HEADING, HEADING)
        _, _, expected = compute(program, folder, states)
    wrong = [f"{name}: {text}" for name, case in REFUSED.items() if (text := refusal(program, mechanism, states, case))]
    wrong += [f"{name}: {text}" for name, case in READ.items() if (text := reading(program, mechanism, states, case, expected))]
    wrong += [f"{heading}: {text}" for heading, factors in UNITS.items()
              if (text := units(program, mechanism, states, heading, factors, expected))]
    print("\n".join(wrong))
    print(f"{len(REFUSED)} malformed and {len(READ) + len(UNITS)} unusual files, {len(wrong)} treated wrongly")
    print("PASSED" if not wrong and expected else "FAILED")
    return 1 if wrong or not expected else 0


if __name__ == "__main__":
    sys.exit(main())
