"""The module beside mpi4py: ranks that compute together, a failure that every rank hears of, MPI in tasks, and other starts."""

import os
import subprocess
import sys
import unittest

import numpy as np
from mpi4py import MPI

import checks
import cohort

COMM = MPI.COMM_WORLD


class Ranks(unittest.TestCase):
    def setUp(self):
        self.rt = cohort.init(COMM, workers=2)
        space, fields = self.rt.index_space_create(0, 99), self.rt.field_space_create()
        self.x = fields.allocate(float, "x")
        self.region = self.rt.region_create(space, fields)

    def tearDown(self):
        self.rt.finalize()

    def test_the_runtime_knows_the_ranks(self):
        self.assertEqual((self.rt.rank, self.rt.size), (COMM.rank, COMM.size))

    def test_tasks_may_use_mpi(self):
        x = np.arange(100.0) + COMM.rank

        @self.rt.task
        def subtract_mean(task):
            view = task.view(0, self.x, cohort.READ_WRITE)
            view -= COMM.allreduce(view.mean()) / COMM.size

        with self.rt.attach(self.region, self.x, x):
            for _ in range(3):
                self.rt.launch(subtract_mean, cohort.read_write(self.region, self.x))
        np.testing.assert_allclose(x, np.arange(100) + COMM.rank - 49.5 - (COMM.size - 1) / 2, atol=1e-12)

    def test_the_program_may_use_mpi_while_tasks_are_outstanding(self):
        task = self.rt.task_register("square", lambda task: task.args_get(int) ** 2)
        future = self.rt.launch(task, args=COMM.rank)
        self.assertEqual(COMM.allreduce(COMM.rank), sum(range(COMM.size)))
        self.assertEqual(COMM.allreduce(future.get(int)), sum(rank**2 for rank in range(COMM.size)))

    def test_every_rank_hears_of_a_failure(self):
        def fail_on_the_last(_):
            if COMM.rank == COMM.size - 1:
                raise ValueError("the last rank does not want to")

        self.rt.launch(self.rt.task_register("reluctant", fail_on_the_last))
        # The others hear of it while they wait for what cannot happen: the last rank's task does not hand off.
        barrier = cohort.abi.cohort_phase_barrier_t()
        if COMM.rank == COMM.size - 1:
            cohort.lib.cohort_phase_barrier_create(self.rt._runtime, 1, barrier)
        barrier.id, barrier.phase = COMM.bcast((barrier.id, barrier.phase), root=COMM.size - 1)
        next_phase = cohort.abi.cohort_phase_barrier_t()
        cohort.lib.cohort_phase_barrier_advance(barrier, next_phase)
        with self.assertRaisesRegex(cohort.TaskFailedError, f"task \"reluctant\" failed on rank {COMM.size - 1}: ValueError"):
            cohort.lib.cohort_phase_barrier_wait(self.rt.handle, next_phase)
        if COMM.rank == COMM.size - 1:
            with self.assertRaisesRegex(cohort.TaskFailedError, "ValueError"):
                self.rt.wait_all()


class Starts(unittest.TestCase):
    def test_by_a_fortran_handle(self):
        with cohort.init(COMM.py2f()) as rt:
            self.assertEqual(rt.size, COMM.size)

    def test_on_some_of_the_ranks(self):
        part = COMM.Split(COMM.rank % 2)
        with cohort.init(part) as rt:
            self.assertEqual((rt.rank, rt.size), (part.rank, part.size))
        part.Free()

    @unittest.skipIf(COMM.size > 1, "one process starts the others")
    def test_the_end_of_a_program_that_forgot_finalize(self):
        program = ("from mpi4py import MPI\nimport cohort\nrt = cohort.init(MPI.COMM_WORLD)\n"
                   "rt.launch(rt.task_register('hello', lambda _: print('ran')))\n")
        # Not as a child of this run's launcher.
        own = {name: value for name, value in os.environ.items() if not name.startswith(("OMPI_COMM", "OMPI_MCA", "PMIX", "PRTE"))}
        ended = subprocess.run([sys.executable, "-c", program], env=own, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((ended.returncode, ended.stdout), (0, "ran\n"), ended.stderr)


if __name__ == "__main__":
    checks.main()
