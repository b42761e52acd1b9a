"""The ``neurosim`` command. A user's mistake is one line on stderr and exit code 2."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code: 0 done, 2 a mistake of the user's, 1 a fault of ours."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    try:
        return _run(list(sys.argv[1:] if arguments is None else arguments))
    except KeyboardInterrupt:
        return _complain("interrupted", 130)
    except SystemExit as error:  # ours are return codes: this one is the user's code's
        return _complain(f"the model's code ended the program: exit({error}); remove that", 2)
    except Exception as error:
        return _explain(error)


def _run(arguments: list[str]) -> int:
    from neurosim.cli.app import app

    code = app(args=arguments or ["--help"], prog_name="neurosim", standalone_mode=False)
    sys.stdout.flush()
    return code if isinstance(code, int) else 0


def _explain(error: Exception) -> int:
    """One line for whatever went wrong; the traceback of a fault of ours on request."""
    import typer

    from neurosim.errors import NeurosimError

    usage = typer.BadParameter.__bases__[0].__bases__[0]  # ClickException, wherever Typer has it
    if isinstance(error, NeurosimError):
        return _complain(str(error), 2)
    if isinstance(error, usage):
        said = error.format_message().rstrip(".")  # type: ignore[attr-defined]
        return _complain(f"{said[:1].lower()}{said[1:]}; see neurosim --help", 2)
    if isinstance(error, typer.Abort):
        return _complain("interrupted", 130)
    if isinstance(error, BrokenPipeError):
        _give_up_stdout()
        return 0
    if isinstance(error, OSError):
        _give_up_stdout()
        return _complain(f"{error.filename or 'output'}: {error.strerror or error}", 2)
    if isinstance(error, MemoryError):
        return _complain("out of memory; give a smaller model or a shorter clip", 2)
    return _fault(error)


def _fault(error: Exception) -> int:
    if os.environ.get("NEUROSIM_TRACEBACK"):
        raise error
    found = f"{type(error).__name__}: {error}"
    return _complain(f"a fault of neurosim's: {found}; NEUROSIM_TRACEBACK=1 shows where", 1)


def _complain(message: str, code: int) -> int:
    """One line on stderr, whatever the message holds."""
    print("neurosim: " + " ".join(message.split()), file=sys.stderr)
    return code


def _give_up_stdout() -> None:
    """Nothing more can be written there: the interpreter must not try again when it ends."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        pass
