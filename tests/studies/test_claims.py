"""The tables of published energies: every row of the sources, unique, with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurosim import registry
from neurosim.errors import ProfileError, UnknownName
from neurosim.studies import claims

ROWS = [row for name in claims.tables() for row in claims.load_table(name).rows]


def test_ids_are_unique_and_every_flag_has_a_reason() -> None:
    assert len({row.id for row in ROWS}) == len(ROWS) == 76
    assert all(row.reason for row in ROWS)
    for row in ROWS:
        assert (row.operations is None) == (row.expected == "not_checkable"), row.id
        assert (row.convention == "not stated") == (row.operations is None), row.id


def test_no_recomputed_figure_is_stored() -> None:
    for path in registry.data_files("studies.published", ".yaml").values():
        assert "recomputed_mj" not in path.read_text()
    assert "recomputed" not in set(claims.Claim.model_fields) | set(claims.Operations.model_fields)


def test_unknown_tables_offer_near_names() -> None:
    with pytest.raises(UnknownName, match="did you mean spikformer"):
        claims.load_table("spikforme")


ROW = "rows:\n  - {id: a, model: A, source: s, expected: match, reason: r, "
BAD = {
    "reported: 4.04}": "should be a valid string",
    "reported: 4.04 G}": "expects a unit of J",
    "reported: 4 mJ, operations: {synaptic: 3 GJ}}": "expects a unit",
    "reported: 4 mJ, operations: {}}": "give counts and layers",
    "reported: 4 mJ, operations: {synaptic: 3 G, table: x}}": "give counts and layers",
    "reported: 4 mJ, verdict: match}": "unknown key 'verdict'",
}


@pytest.mark.parametrize(("rest", "complaint"), BAD.items())
def test_a_malformed_row_names_its_line(tmp_path: Path, rest: str, complaint: str) -> None:
    path = tmp_path / "table.yaml"
    path.write_text(f"title: t\nsource: s\n{ROW}{rest}\n")
    with pytest.raises(ProfileError, match=f"table.yaml:4: .*{complaint}"):
        claims._read(path)
