"""Build the project's virtual environment from a bare Python, or bring an older one up to date.

torch goes first and alone, in the CPU build where one can be had; then the pinned requirements.lock
and the project itself, both without their dependencies; then each library that everything stands
on is imported, or the reason is told.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
OLDEST, NEWEST = (3, 11), (3, 13)
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
PIP = ("-m", "pip", "--disable-pip-version-check")
INSTALL = (*PIP, "install", "-qq", "--no-compile")
NEEDED = {
    "torch": "import torch",
    "norse": "import norse.torch",
    "numba": "import numba; numba.njit(lambda x: x + 1)(1)",
}
OPTIONAL = {"lava": "import neurosim.exchange.lava; import lava.proc.lif.process"}
# What commands and tests import: imported once here, so that no later process compiles it again.
USED = (
    "neurosim.cli.app", "neurosim.studies.estimate", "neurosim.capture.capture",
    "neurosim.train.loop", "neurosim.studies.noise_sweep", "torch._dynamo",
    "torch.utils.tensorboard", "torch.distributed.run",
    "torch.distributed.elastic.agent.server.local_elastic_agent", "lightning_fabric",
    "torchmetrics", "matplotlib.pyplot", "matplotlib.backends.backend_pdf",
    "matplotlib.backends.backend_svg", "pandas", "pyarrow.parquet", "distributed.nanny",
    "rich.progress", "av", "h5py", "scipy.optimize", "scipy.stats", "networkx", "jinja2",
    "hypothesis", "pytest", "xdist.plugin", "spikingjelly.activation_based.neuron", "snntorch",
    "sinabs.layers", "norse.torch",
)  # fmt: skip


def main() -> int:
    """0 when everything needed imports, 1 with the reason when not."""
    begin, version = time.monotonic(), sys.version.split()[0]
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        return fail(f"needs Python 3.11 to 3.13, got {version}; run: make PYTHON=python3.11 setup")
    try:
        make_venv()
        install_torch(torch_pin())
        pip("--no-deps", "--ignore-requires-python", "-r", str(LOCK))
        pip("--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    except subprocess.CalledProcessError as error:
        return fail(f"stopped at: {' '.join(map(str, error.cmd))}; its own words stand above")
    missing = [name for name, proof in NEEDED.items() if not imports(name, proof)]
    for name, proof in OPTIONAL.items():
        imports(name, proof)
    if missing:
        return fail(
            f"{', '.join(missing)} cannot be imported; remove {VENV.name} and run make setup again"
        )
    warm()
    say(f"{VENV.name} is ready after {time.monotonic() - begin:.0f} s")
    return 0


def say(line: str) -> None:
    """Print one line of progress."""
    print(f"setup: {line}", flush=True)


def fail(line: str) -> int:
    """Print why; the exit status."""
    say(line)
    return 1


def run(*arguments: str) -> None:
    """A command of the environment's own Python; raises CalledProcessError."""
    subprocess.run([str(PYTHON), *arguments], check=True, cwd=ROOT)


def pip(*arguments: str) -> None:
    """Install without byte-compiling: each module is compiled when it is first imported."""
    run(*INSTALL, *arguments)


def make_venv() -> None:
    """A new environment, unless one of the same Python version with pip is there."""
    if not matches():
        say(f"new {VENV.name} with Python {sys.version.split()[0]}")
        shutil.rmtree(VENV, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)


def matches() -> bool:
    """True when the environment there can be kept."""
    probe = "import pip, sys; print(*sys.version_info[:2])"
    try:
        done = subprocess.run([str(PYTHON), "-c", probe], capture_output=True, text=True)
    except OSError:
        return False
    return done.stdout.split() == [str(n) for n in sys.version_info[:2]]


def torch_pin() -> str:
    """The lock's line for torch, such as ``torch==2.13.0``."""
    return next(line for line in LOCK.read_text().splitlines() if line.startswith("torch=="))


def install_torch(pin: str) -> None:
    """From the machine's index, else from PyTorch's, else the default build with all it needs."""
    ways = (
        ("the CPU build", ("--no-deps", f"{pin}+cpu")),
        ("PyTorch's own CPU index", ("--no-deps", "--index-url", TORCH_CPU_INDEX, pin)),
    )
    if installed("torch", pin):
        return
    for name, arguments in ways:
        command = [str(PYTHON), *INSTALL, *arguments]
        if subprocess.run(command, cwd=ROOT, capture_output=True).returncode == 0:
            say(f"{pin} from {name}")
            return
    say(f"{pin} has no CPU build here; taking the default one with its dependencies")
    pip(pin)


def installed(name: str, pin: str) -> bool:
    """True when the environment holds ``pin``, whatever its local build label."""
    probe = f"from importlib.metadata import version; print(version({name!r}))"
    done = subprocess.run([str(PYTHON), "-c", probe], capture_output=True, text=True)
    return done.stdout.strip().split("+")[0] == pin.partition("==")[2]


def imports(name: str, proof: str) -> bool:
    """Run the proof in a fresh interpreter; on failure print the last line of what it said."""
    try:
        done = subprocess.run(
            [str(PYTHON), "-c", proof], cwd=ROOT, env=byte_compiling(), capture_output=True,
            text=True, timeout=300,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        say(f"{name} does not import: still busy after 300 s")
        return False
    if done.returncode:
        why = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        say(f"{name} does not import: {why}")
    return done.returncode == 0


def byte_compiling() -> dict[str, str]:
    """The environment, without what keeps Python from keeping what it compiled."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def warm() -> None:
    """Compile once what every run needs, modules and kernels, and measure the machine's costs."""
    each = "\n".join(f"try: import {name}\nexcept Exception: pass" for name in USED)
    for arguments in (("-W", "ignore", "-c", each), ("-m", "neurosim.sim.warm")):
        subprocess.run([str(PYTHON), *arguments], cwd=ROOT, env=byte_compiling())


if __name__ == "__main__":
    raise SystemExit(main())
