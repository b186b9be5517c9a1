#!/usr/bin/env python3
"""The tables in a kernel's text fit the constant memory of any OpenCL device with doubles, 64 kB (OpenCL 1.2, table 4.3).

usage: device_constants.py S3D_DEVICE_SOURCES MECHANISM FOLDER
"""
import pathlib
import re
import subprocess
import sys

LEAST_CONSTANTS = 65536


def main():
    program, mechanism, folder = sys.argv[1:]
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([program, mechanism, folder], check=True)
    good = True
    for path in sorted(folder.glob("*.c")):
        tables = re.findall(r"^COHORT_TABLE const double \w+\[(\d+)\](?:\[(\d+)\])?", path.read_text(), re.MULTILINE)
        size = sum(8 * int(rows) * int(columns or 1) for rows, columns in tables)
        good = good and size <= LEAST_CONSTANTS
        print(f"{path.stem:10} {len(tables):3} tables, {size:6} bytes{'' if size <= LEAST_CONSTANTS else ' FAILED'}")
    print("PASSED" if good else "FAILED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
