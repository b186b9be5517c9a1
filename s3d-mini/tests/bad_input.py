#!/usr/bin/env python3
"""Give s3d-mini and s3d-rhs wrong input: each must end all ranks with a status other than 0, and say once what is wrong, where, and
what to do.

usage: bad_input.py S3D_MINI S3D_RHS INPUT METHODS LAUNCHER ..
METHODS is "all" when the build has the methods that need Cohort, "mpi" when it has not.
"""
import concurrent.futures
import pathlib
import re
import subprocess
import sys
import tempfile

from input_file import change, prepared

SMALL = {"points": "16,16,16", "steps": "3", "method": "'mpi'", "compare": ".false.", "pictures": ".false.", "fields": ".false."}
RESTART = "&state step = {step}, time = 1e-7, dt = {dt}, points = {points} species = {species} /\n"
H2O2 = "'H2' 'H' 'O' 'O2' 'OH' 'H2O' 'HO2' 'H2O2' 'AR' 'N2'"

# Settings changed, and what must be said.
SETTINGS = [
    ({"points": "16,8,16"}, r"points = 16 8 16 must be 1 or at least 9 in each direction"),
    ({"points": "0,16,16"}, r"points = 0 16 16 must be 1 or at least 9"),
    ({"points": "9,1,1"}, r"points = 9 1 1 in 2 1 1 blocks leave one less than 5 a direction: use fewer ranks"),
    ({"points": "16.5,16,16"}, r"namelist &run .*(Bad|Cannot match)"),
    ({"ranks": "3,1,1"}, r"ranks = 3 1 1 \(0: free, 1: one point\) make no blocks for 2 ranks"),
    ({"ranks": "1,1,1"}, r"ranks = 1 1 1 .* make no blocks for 2 ranks"),
    ({"ranks": "-1,1,1"}, r"ranks = -1 1 1 must be the blocks in each direction, or 0"),
    ({"tile": "0,8"}, r"tile = 0 8 must be at least 1 row"),
    ({"length": "1d-3,0,1d-3"}, r"length = .* must be positive, in m"),
    ({"length": "1d-3,-1d-3,1d-3"}, r"length = .* must be positive, in m"),
    ({"steps": "0"}, r"steps = 0 must be at least 1"),
    ({"report_every": "0"}, r"report_every = 0 must be at least 1 step"),
    ({"filter_every": "-1"}, r"filter_every = -1 must be steps, or 0"),
    ({"write_every": "-5"}, r"write_every = -5 must be steps, or 0"),
    ({"save_every": "-5"}, r"save_every = -5 must be steps, or 0"),
    ({"cfl": "3"}, r"cfl = 3 must lie in \(0, 2.27\]"),
    ({"cfl": "NaN"}, r"cfl = +NaN must lie in"),
    ({"fourier": "2"}, r"fourier = 2 must lie in \(0, 1.565\]"),
    ({"chemical_cfl": "5"}, r"chemical_cfl = 5 must lie in \(0, 3\]"),
    ({"max_dt": "0"}, r"max_dt = 0 must be positive"),
    ({"fixed_dt": "-1d-9"}, r"fixed_dt = .* must be in s, or 0"),
    ({"end_time": "Infinity"}, r"end_time = .* must be in s, or 0"),
    ({"case_name": "'ignitoin'"}, r'case_name = "ignitoin" is none of uniform, ignition_0d, ignition_h2'),
    ({"method": "'task'"}, r'method = "task" is none of mpi, tasks, direct'),
    ({"update": "'task'"}, r'update = "task" is none of fortran, tasks'),
    ({"update": "'tasks'"}, r'update = "tasks" needs tasks: method tasks or direct, not mpi'),
    ({"mapper": "'gpu'"}, r'mapper = "gpu" is none of default, cpu, device, mixed, overflow, fuzz, fuzz_device'),
    ({"mapper_seed": "-1"}, r"mapper_seed = -1 must be 0 or more"),
    ({"radical": "'OHX'", "pictures": ".true."}, r'radical = "OHX" is no species of'),
    ({"temperature": "0"}, r"temperature = 0 must be positive, in K"),
    ({"pressure": "-1"}, r"pressure = -1 must be positive, in Pa"),
    ({"phi": "-0.5"}, r"phi = .* must be an equivalence ratio"),
    ({"hot_radius": "0"}, r"hot_radius = 0 must be positive"),
    ({"velocity": "NaN,0,0"}, r"velocity = .* must be finite, in m/s"),
    ({"direction": "4"}, r"direction = 4 must be 1, 2 or 3"),
    ({"fuel": "'CH4'"}, r'needs the species CH4, which .*h2o2 has not'),
    ({"fuel": "'N2'"}, r'fuel = "N2" has no hydrogen or carbon to burn'),
    ({"case_name": "'acoustic'", "mechanism": "'{mechanisms}/gri30_noN'"}, r'case_name = "acoustic" needs the species AR'),
    ({"case_name": "'manufactured'", "mechanism": "'{mechanisms}/gri30_noN'"}, r"needs the ten species of the mechanism h2o2"),
    ({"case_name": "'uniform'", "points": "1,1,1"}, r"ranks = 1 1 1 .* make no blocks for 2 ranks"),
    ({"case_name": "'uniform'", "points": "1,1,1", "reacting": ".false."}, r"limits no time step: set fixed_dt or max_dt"),
    ({"mechanism": "'nowhere/at_all'"}, r"nowhere/at_all/chem.inp: "),
    ({"mechanism": "'{mechanisms}/ndodecane'", "fuel": "'nc12h26'"}, r"ndodecane"),
    ({"output": "'/proc/nothing/here'"}, r'output = "/proc/nothing/here" cannot be created'),
    ({"restart": "'{folder}/absent'"}, r"absent.nml: cannot be opened: .*without their .nml and .raw"),
    ({"restart": "'{folder}/other_grid'"}, r"other_grid.nml: is of 12 12 12 points, the case has 16 16 16"),
    ({"restart": "'{folder}/other_species'"}, r"other_species.nml: its species are not those of .*h2o2"),
    ({"restart": "'{folder}/too_late'"}, r"too_late.nml: is of step 3; steps = 3 counts from the first run and must be more"),
    ({"restart": "'{folder}/no_dt'"}, r"no_dt.nml: step, time or dt is missing or negative"),
    ({"restart": "'{folder}/no_list'"}, r"no_list.nml: namelist &state is missing, unfinished or wrong"),
    ({"restart": "'{folder}/no_raw'"}, r"no_raw.raw: cannot be opened"),
    ({"restart": "'{folder}/short_raw'"}, r"short_raw.raw: is 24 bytes long; 8 bytes times points times fields are 491520"),
]
# The whole text changed: (what is done to it, what must be said).
TEXTS = [
    (lambda text: "", r"namelist &run is missing, unfinished or wrong: End of file"),
    (lambda text: text.replace("&initial", "&initail"), r"namelist &initial is missing, unfinished or wrong: End of file"),
    (lambda text: text[:text.index("/\n&initial")], r"namelist &run is missing, unfinished or wrong"),
    (lambda text: change(text, "stpes", "3"), r"namelist &run .*Cannot match namelist object name stpes"),
    (lambda text: text.replace("&initial", "&initial temprature = 3,"), r"namelist &initial .*Cannot match namelist object name temprature"),
    (lambda text: change(text, "steps", "three"), r"namelist &run .*(Bad|Cannot match)"),
    (lambda text: change(text, "viscous", "perhaps"), r"namelist &run .*(Bad|Cannot match)"),
    (lambda text: change(text, "points", "16,16,16,16"), r"namelist &run "),
    (lambda text: text.replace("&run", "&run \x00\xff"), r"namelist &run "),
]
WRONG_RESTARTS = {
    "other_grid": RESTART.format(step=1, dt=1e-8, points="12 12 12", species=H2O2),
    "other_species": RESTART.format(step=1, dt=1e-8, points="16 16 16", species="'H2' 'O2' 'N2'"),
    "too_late": RESTART.format(step=3, dt=1e-8, points="16 16 16", species=H2O2),
    "no_dt": RESTART.format(step=1, dt=-1.0, points="16 16 16", species=H2O2),
    "no_list": "nothing of the kind\n",
    "no_raw": RESTART.format(step=1, dt=1e-8, points="16 16 16", species=H2O2),
    "short_raw": RESTART.format(step=1, dt=1e-8, points="16 16 16", species=H2O2),
}


def complaint(command, expected):
    """What is wrong with how the program refuses, or ''."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=120)
    except subprocess.TimeoutExpired:
        return "did not end in two minutes"
    said = [line for line in done.stderr.splitlines() if re.match(r"s3d-[a-z]+: ", line)]
    if done.returncode == 0:
        return "ended with status 0"
    if len(said) != 1:
        return f"said {len(said)} times what is wrong:\n{done.stderr}"
    if not re.search(expected, " ".join(said[0].split())):
        return f"said '{said[0]}' and not '{expected}'"
    if re.search(r"Backtrace|SIG[A-Z]+|MPI_ABORT|Fortran runtime", done.stderr) or "PASSED" in done.stdout:
        return f"did not end in order:\n{done.stdout}{done.stderr}"
    return ""


def main():
    program, rhs, path, methods, *launcher = sys.argv[1:]
    path = pathlib.Path(path)
    mechanisms = path.resolve().parents[1] / "mechanisms"
    failures = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for restart, text in WRONG_RESTARTS.items():
            (folder / f"{restart}.nml").write_text(text)
        (folder / "short_raw.raw").write_bytes(bytes(24))
        (folder / "good.nml").write_text(prepared(path, folder / "output", SMALL))
        tests = []
        if methods == "mpi":
            tests.append(("a method not built", prepared(path, folder, {**SMALL, "method": "'tasks'"}), r"not in this build.*S3D_WITH_COHORT"))
        for changes, expected in SETTINGS:
            placed = {key: value.format(folder=folder, mechanisms=mechanisms) for key, value in changes.items()}
            tests.append((str(changes), prepared(path, folder / "output", {**SMALL, **placed}), expected))
        for number, (edit, expected) in enumerate(TEXTS):
            tests.append((f"text {number}", edit(prepared(path, folder / "output", SMALL)), expected))
        good, out = folder / "good.nml", folder / "rhs.raw"
        runs = [("no argument", [program], "usage: s3d-mini INPUT"),
                ("two arguments", [program, "a", "b"], "usage: s3d-mini INPUT"),
                ("no file", [program, folder / "none.nml"], r"none.nml: cannot be opened"),
                ("a folder", [program, folder], r"(cannot be opened|namelist &)"),
                ("s3d-rhs: no RHS", [rhs, good, "initial"], r"usage: s3d-rhs INPUT Q RHS"),
                ("s3d-rhs: no Q", [rhs, good, folder / "none.raw", out], r"none.raw: cannot be opened"),
                ("s3d-rhs: Q of another size", [rhs, good, folder / "short_raw.raw", out], r"is 24 bytes long; .* are 458752"),
                ("s3d-rhs: RHS nowhere", [rhs, good, "initial", folder / "none/rhs.raw"], r"none/rhs.raw: cannot be created"),
                ("s3d-rhs: no computation", [rhs, good, "initial", out, "0"], r"COMPUTATIONS = 0 must be a number, 1 or more")]
        for number, (what, text, expected) in enumerate(tests):
            given = folder / f"{number}.nml"
            given.write_text(text, encoding="latin-1")
            runs.append((what, [program, given], expected))
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            found = pool.map(lambda run: complaint([*launcher, *run[1]], run[2]), runs)
            for (what, _, _), wrong in zip(runs, found):
                if wrong:
                    failures += 1
                    print(f"FAILED {what}: {wrong}", flush=True)
    print(f"{len(runs) - failures} of {len(runs)} wrong inputs refused as they should be")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
