#!/usr/bin/env python3
"""Compile the device kernels of a mechanism with NVRTC for several generations of NVIDIA's GPUs; no GPU is needed.

usage: device_nvrtc.py S3D_DEVICE_SOURCES MECHANISM FOLDER ARCHITECTURE [ARCHITECTURE ...]
tests/kernel/nvrtc.py brings NVRTC into FOLDER, once for all mechanisms. Prints what registers, stack and spilled bytes each kernel takes. Where PyPI
cannot be reached the exit status is 77: skipped.
"""
import ctypes
import pathlib
import re
import subprocess
import sys

BRING_NVRTC = pathlib.Path(__file__).parents[2] / "tests/kernel/nvrtc.py"
# The kernels that a variant of the flow makes different.
KERNELS = {"": ("primitives", "chemistry", "fluxes", "divergence", "update", "rates", "filter"), "euler": ("chemistry", "fluxes", "rates"),
           "correction": ("fluxes",)}


def library(folder):
    """libnvrtc; where it cannot be had the program ends as the script that brings it does."""
    brought = subprocess.run([sys.executable, BRING_NVRTC, folder], stdout=subprocess.PIPE, text=True)
    if brought.returncode != 0:
        sys.exit(brought.returncode)
    return ctypes.CDLL(brought.stdout.strip())


def compile_kernel(nvrtc, source, architecture):
    """(status, log, machine code) of a kernel's file for one architecture."""
    program = ctypes.c_void_p()
    nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.read_bytes(), source.name.encode(), 0, None, None)
    options = [f"--gpu-architecture={architecture}", "--ptxas-options=-v", "--diag-suppress=177"]
    status = nvrtc.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*map(str.encode, options)))
    log = fetch(program, nvrtc.nvrtcGetProgramLogSize, nvrtc.nvrtcGetProgramLog).decode().rstrip("\0")
    code = fetch(program, nvrtc.nvrtcGetCUBINSize, nvrtc.nvrtcGetCUBIN) if status == 0 else b""
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    return status, log, code


def fetch(program, size_of, content_of):
    size = ctypes.c_size_t()
    size_of(program, ctypes.byref(size))
    content = ctypes.create_string_buffer(max(size.value, 1))
    content_of(program, content)
    return content.raw


def main():
    program, mechanism, folder, *architectures = sys.argv[1:]
    folder = pathlib.Path(folder)
    nvrtc = library(folder)
    sources = folder / ("nvrtc_" + pathlib.Path(mechanism).name)
    good = True
    for variant, kernels in KERNELS.items():
        chosen = sources / (variant or "full")
        chosen.mkdir(parents=True, exist_ok=True)
        subprocess.run([program, mechanism, chosen, *filter(None, [variant])], check=True)
        # One architecture shows what the variants differ by.
        for kernel in kernels:
            for architecture in architectures if not variant else architectures[-1:]:
                status, log, code = compile_kernel(nvrtc, chosen / f"{kernel}.c", architecture)
                compiled = status == 0 and kernel.encode() in code
                good = good and compiled
                registers = re.search(r"Used (\d+) registers", log)
                stack = re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", log)
                print(f"{chosen.name:10} {kernel:10} {architecture}: {len(code):7} bytes of code,",
                      f"{registers.group(1)} registers, {stack.group(1)} bytes of stack, spilled {stack.group(2)}, loaded {stack.group(3)}"
                      if registers and stack else log,
                      "" if compiled else "FAILED")
    print("PASSED" if good else "FAILED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
