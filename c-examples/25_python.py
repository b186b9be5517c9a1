"""Python looks at a Fortran run and steers it. The solver is a shared library (25_python.f90); its time loop is called from here
and launches tasks. Between the steps a task in Python, on the thread that called MPI_Init, sees the temperature where it lies,
asks all ranks for the mean, and sets the heater. Nobody waits: dependences put the task between the steps that it belongs to.

usage: mpirun -n RANKS python3 25_python.py SOLVER-LIBRARY"""
import ctypes
import sys

import numpy as np
from mpi4py import MPI

import cohort

GOAL, GAIN, LOOKS, DOUBLE_STEPS = 0.005, 1000, 20, 50
comm = MPI.COMM_WORLD
solver = ctypes.CDLL(sys.argv[1])
solver.rod_temperature.restype = solver.rod_heater.restype = cohort.abi.cohort_region_t

solver.rod_open(comm.py2f())
rt = cohort.current()
rod, heater = cohort.Region(solver.rod_temperature()), cohort.Region(solver.rod_heater())
T, POWER = cohort.Field(0, np.float64, "temperature"), cohort.Field(0, np.float64, "power")
means = []


@rt.task
def steer(task):
    temperature = task.view(0, T)
    power = task.view(1, POWER, cohort.READ_WRITE)
    mean = comm.allreduce(temperature.mean()) / comm.size
    power[0] = max(0.0, min(1.0, GAIN * (GOAL - mean)))
    means.append(mean)


for look in range(LOOKS):
    solver.rod_advance(DOUBLE_STEPS)
    rt.launch(steer, cohort.read_only(rod, T), cohort.read_write(heater, POWER))
rt.wait_all()
solver.rod_close()


def expected():
    """The same without tasks, Fortran and ranks."""
    t, power, found = np.zeros(402), 1.0, []
    for _ in range(LOOKS):
        for _ in range(2 * DOUBLE_STEPS):
            t[1:-1] += 0.25 * (t[:-2] - 2 * t[1:-1] + t[2:])
            t[1:11] += 1e-3 * power
        found.append(t.mean())
        power = max(0.0, min(1.0, GAIN * (GOAL - found[-1])))
    return found


if comm.rank == 0:
    print(f"mean temperature {means[0]:.4f} after the first look, {means[-1]:.4f} after the last, asked for {GOAL}")
    print("PASSED" if np.allclose(means, expected(), rtol=1e-12) else "FAILED")
