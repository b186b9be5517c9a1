#!/usr/bin/env python3
"""Bring NVIDIA's run-time compiler from PyPI, and print the path of its library; no GPU is needed.

usage: nvrtc.py FOLDER
It is installed into a virtual environment FOLDER/venv that is kept, for all who ask. Where PyPI cannot be reached the exit status is 77: skipped.
"""
import fcntl
import pathlib
import subprocess
import sys
import venv

PACKAGE = "nvidia-cuda-nvrtc-cu12==12.9.86"
SKIPPED = 77


def main():
    folder = pathlib.Path(sys.argv[1])
    environment = folder / "venv"
    pattern = "lib/python3*/site-packages/nvidia/cuda_nvrtc/lib/libnvrtc.so.12"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "venv.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not list(environment.glob(pattern)):
            venv.create(environment, with_pip=True)
            install = [environment / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE]
            # Who asks reads the path alone.
            if subprocess.run(install, stdout=sys.stderr).returncode != 0:
                print(f"skipped: nothing is compiled as CUDA C, since {PACKAGE} cannot be had", file=sys.stderr)
                return SKIPPED
    print(next(environment.glob(pattern)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
