"""What the benchmarks share: environments, running a subject in a fresh process, best and median, the machine's name.

A subject is a program that prints one JSON line as its last.  Figures are compared within one run only, and subjects take
turns, so that a noisy minute hurts all of them alike.
"""
import json
import os
import platform
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "out")

# malloc keeps what it has: no page of a large tensor is faulted in anew at every step.
KEEP = {"MALLOC_TRIM_THRESHOLD_": "8000000000", "MALLOC_MMAP_THRESHOLD_": "8000000000", "MALLOC_TOP_PAD_": "500000000"}
# What makes Ingot, PyTorch's own kernels, oneDNN, MKL and OpenBLAS take a processor for one without AVX-512.
AVX2 = {"IG_CPU": "avx2", "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "DNNL_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2", "OPENBLAS_CORETYPE": "Haswell"}
# Only what a subject is told may choose its processor and threads.
CHOICES = ("IG_CPU", "ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS",
           "OMP_NUM_THREADS")


def environment(setting, count=None):
    """as given | unset (no OPENBLAS_*) | kept (unset, malloc keeps its memory) | avx2 (kept, and no AVX-512)

    count: threads, also of the libraries underneath; None: all cores.
    """
    env = {k: v for k, v in os.environ.items() if k not in CHOICES}
    env["OMP_NUM_THREADS"] = str(count or threads())
    if setting != "as given":
        env = {k: v for k, v in env.items() if not k.startswith("OPENBLAS_")}
    if setting in ("kept", "avx2"):
        env.update(KEEP)
    if setting == "avx2":
        env.update(AVX2)
    return env


def run(command, env):
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit("bench: %s failed:\n%s" % (" ".join(command), done.stderr.strip()[-2000:]))
    return json.loads(done.stdout.strip().splitlines()[-1])


def has_cpu(flag):
    return flag in open("/proc/cpuinfo").read().split()


def threads():
    return len(os.sched_getaffinity(0))


def median(values):
    return statistics.median(values)


def machine():
    model = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    blas = " ".join("%s=%s" % (k, v) for k, v in sorted(os.environ.items()) if k.startswith("OPENBLAS_")) or "no OPENBLAS_* set"
    return "%s, %d cores, %s, load %.1f; environment: %s" % (
        model[0] if model else platform.machine(), threads(), platform.system(), os.getloadavg()[0], blas)


def write(name, data, text):
    """The figures as bench/out/NAME.json, the tables as bench/out/NAME.md and on stdout."""
    os.makedirs(OUT, exist_ok=True)
    with open(os.path.join(OUT, name + ".json"), "w") as f:
        json.dump(data, f, indent=1)
        f.write("\n")
    with open(os.path.join(OUT, name + ".md"), "w") as f:
        f.write(text)
    print(text)
