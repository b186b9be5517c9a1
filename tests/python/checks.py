"""Runs the tests of a file, a line for each as tests/lib.sh counts them."""

import sys
import unittest


class _Lines(unittest.TextTestResult):
    def addSuccess(self, test):
        super().addSuccess(test)
        print(f"ok python {test._testMethodName}", flush=True)

    def _line(self, test):
        print(f"FAILED python {test._testMethodName}", flush=True)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._line(test)

    def addError(self, test, err):
        super().addError(test, err)
        self._line(test)


def main():
    """For the end of a file of tests."""
    tests = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    result = unittest.TextTestRunner(stream=sys.stdout, resultclass=_Lines, verbosity=0).run(tests)
    if not result.wasSuccessful() or result.testsRun == 0:
        raise SystemExit(1)
