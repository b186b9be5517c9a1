"""What the environment decides: where the module finds the library, and what it says when that does not fit.
usage: installed.py PREFIX-OF-THE-LIBRARY-EXPECTED"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import checks
import cohort

PREFIX = pathlib.Path(sys.argv[1]).resolve()
NAME = "import cohort; cohort.init().finalize(); print(cohort.lib._library()._name)"


def run(program, **environment):
    """A Python of its own with this environment besides."""
    return subprocess.run([sys.executable, "-c", program], env={**os.environ, **environment}, capture_output=True, text=True,
                          timeout=60, check=False)


class Installed(unittest.TestCase):
    def test_the_library_is_that_of_the_module(self):
        found = pathlib.Path(run(NAME).stdout.strip())
        self.assertTrue(found.is_absolute() and found.samefile(PREFIX / "lib" / "libcohort.so"), found)

    def test_a_library_that_is_loaded_already_is_the_one(self):
        loaded = run(f"import ctypes; ctypes.CDLL('{PREFIX / 'lib' / 'libcohort.so'}')\n{NAME}")
        self.assertEqual(loaded.stdout, "libcohort.so.0\n", loaded.stderr)

    def test_the_environment_names_another(self):
        named = str(PREFIX / "lib" / "libcohort.so.0")
        self.assertEqual(run(NAME, COHORT_LIBRARY=named).stdout.strip(), named)

    def test_no_library_is_an_error_that_says_what_to_do(self):
        self.assertRegex(run(NAME, COHORT_LIBRARY="/nowhere/libcohort.so").stderr,
                         "VersionError: cohort: the library does not load: .*nowhere.*; set COHORT_LIBRARY")

    def test_another_version_is_an_error(self):
        with tempfile.TemporaryDirectory() as folder:
            other = pathlib.Path(folder) / "other.so"
            fits = "int cohort_check_abi(unsigned abi) {{ return abi != {}; }} char *cohort_last_error(void) {{ return 0; }}"
            for source, text in (("", f"for the interface {cohort.ABI}, which .*other.so does not have; use the module and the library"),
                                 (fits.format(99), f"for the interface {cohort.ABI}, which .*other.so does not have"),
                                 (fits.format(cohort.ABI), "has no function cohort_init_version, which this module knows")):
                subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", other], input=source, text=True, check=True)
                self.assertRegex(run(NAME, COHORT_LIBRARY=str(other)).stderr, f"VersionError: cohort: .*{text}")


if __name__ == "__main__":
    checks.main()
