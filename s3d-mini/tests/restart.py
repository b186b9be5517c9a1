#!/usr/bin/env python3
"""A run that goes on from restart files, on another number of ranks, must end with the very fields of one that never stopped.

usage: restart.py S3D_MINI INPUT MPIEXEC NUMPROC_FLAG [PREFLAG ..]
"""
import pathlib
import subprocess
import sys
import tempfile

from input_file import prepared

SMALL = {"points": "16,12,10", "method": "'mpi'", "compare": ".false.", "pictures": ".false."}
# Not at a step where the time step is chosen anew nor where the filter acts.
SAVED, STEPS = 12, 23


def run(command, folder, path, changes):
    given = folder / f"{changes['output'].strip(chr(39)).split('/')[-1]}.nml"
    given.write_text(prepared(path, folder, {**SMALL, "steps": STEPS, **changes}))
    subprocess.run([*command, given], check=True)


def main():
    program, path, mpiexec, flag, *preflags = sys.argv[1:]
    path = pathlib.Path(path)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        run([mpiexec, flag, "2", *preflags, program], folder, path, {"output": f"'{folder}/whole'", "save_every": SAVED})
        saved = folder / f"whole/restart_{SAVED:06d}"
        for ranks in ("1", "4"):
            run([mpiexec, flag, ranks, *preflags, program], folder, path, {"output": f"'{folder}/on{ranks}'", "restart": f"'{saved}'"})
            whole, after = (part / f"fields_{STEPS:06d}.vti" for part in (folder / "whole", folder / f"on{ranks}"))
            if whole.read_bytes() != after.read_bytes():
                sys.exit(f"fields of the run restarted on {ranks} ranks differ")
    print("PASSED")


if __name__ == "__main__":
    main()
