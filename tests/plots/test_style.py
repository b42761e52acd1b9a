"""Pictures as files: the same bytes every time, text as text, whole or not at all."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib
import pytest

from neurosim.errors import StoreError
from neurosim.plots.overview import draw_rate_by_depth, firing_rates
from neurosim.plots.rates import rate_table
from neurosim.plots.style import new_figure, save

RATES = {"first": 0.2, "second": 0.1}


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_same_picture_same_bytes(ending: str, tmp_path: Path) -> None:
    one = save(firing_rates(RATES), tmp_path / f"one.{ending}").read_bytes()
    two = save(firing_rates(RATES), tmp_path / f"two.{ending}").read_bytes()
    assert one == two and len(one) > 1000
    assert b"dc:date" not in one and b"CreationDate" not in one


def test_png_has_300_dots_an_inch(tmp_path: Path) -> None:
    data = save(new_figure(3.5, 2.0), tmp_path / "a.png").read_bytes()
    assert int.from_bytes(data[16:20], "big") == 1050 and int.from_bytes(data[20:24], "big") == 600


def test_text_of_an_svg_is_text(tmp_path: Path) -> None:
    path = save(draw_rate_by_depth(rate_table(RATES)), tmp_path / "a.SVG")
    texts = [e.text for e in ET.parse(path).iter("{http://www.w3.org/2000/svg}text")]
    assert "firing rate (%)" in texts


def test_drawing_changes_no_setting_and_starts_no_window(tmp_path: Path) -> None:
    before = dict(matplotlib.rcParams)
    save(firing_rates(RATES), tmp_path / "a.svg")
    assert dict(matplotlib.rcParams) == before
    code = (
        "import sys, neurosim.plots as p; p.save(p.firing_rates({'a': 0.1}), sys.argv[1]); "
        "print({'torch', 'matplotlib.pyplot', 'neurosim.ops'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "b.png")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.stderr) == ("set()", "")


@pytest.mark.parametrize("name", ["a.gif", "a", "nowhere/a.png"])
def test_what_cannot_be_written_is_one_line(name: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError) as error:
        save(new_figure(), tmp_path / name)
    assert "\n" not in str(error.value) and ";" in str(error.value)
    assert not list(tmp_path.iterdir())
