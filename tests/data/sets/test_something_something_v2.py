"""Something-Something v2: templates in brackets, numbers as text, VP9 in WebM."""

from __future__ import annotations

import json

import pytest

from neurosim.data import sets
from neurosim.errors import ClipError, UnknownName

NAME = "something_something_v2"
LABELS = {
    "Holding something next to something": "1",
    "Approaching something with your camera": "0",
    "Pushing something so that it falls off the table": "2",
}
ROWS = {
    "train": [("78687", "Holding [something] next to [something]")],
    "validation": [
        ("74225", "Pushing [something] so that it falls off the table"),
        ("116154", "Approaching [something] with your camera"),
    ],
}


@pytest.fixture(params=["plain", "released"])
def root(request, tmp_path, film):
    released = request.param == "released"
    home = tmp_path / "labels" if released else tmp_path
    start = "something-something-v2-" if released else ""
    home.mkdir(exist_ok=True)
    (home / f"{start}labels.json").write_text(json.dumps(LABELS))
    videos = tmp_path / "20bn-something-something-v2" if released else tmp_path
    for split, rows in ROWS.items():
        listed = [
            {"id": key, "label": "holding a cup", "template": text, "placeholders": ["a cup"]}
            for key, text in rows
        ]
        (home / f"{start}{split}.json").write_text(json.dumps(listed))
        for key, _ in rows:
            film(videos / f"{key}.webm", range(int(key[-1]), int(key[-1]) + 34))
    return tmp_path


def test_labels_and_frames(root, numbers):
    data = sets.open(NAME, root, "validation")
    assert data.classes == tuple(sorted(LABELS, key=LABELS.get))
    assert data.labels == (2, 0) and [i.key for i in data.items] == ["74225.webm", "116154.webm"]
    assert numbers(data.frames(0, 0.0)) == list(range(5, 37, 2))  # 16 at stride 2
    assert numbers(data.frames(1, 1.0)) == list(range(6, 38, 2))
    assert sets.open(NAME, root, "train").labels == (1,)


def test_the_test_split_has_no_labels(root):
    with pytest.raises(UnknownName, match="split of something_something_v2 'test'"):
        sets.open(NAME, root, "test")


@pytest.mark.parametrize(
    ("file", "content", "found"),
    [
        ("labels", "{", "damaged JSON"),
        ("labels", '{"A": "1"}', "labels that do not run from 0"),
        ("labels", "[]", "labels that do not run from 0"),
        ("validation", "{}", "something that is not a list"),
        ("validation", '[{"id": "1"}]', "give every row an 'id' and a 'template'"),
        (
            "validation",
            '[{"id": "1", "template": "Eating [something]"}]',
            r"'Eating \[something\]'",
        ),
    ],
)
def test_bad_files(tmp_path, file, content, found):
    (tmp_path / "labels.json").write_text(json.dumps(LABELS))
    (tmp_path / f"{file}.json").write_text(content)
    with pytest.raises(ClipError, match=f"at '{file}.json': found .*{found}") as caught:
        sets.open(NAME, tmp_path, "validation")
    assert "\n" not in str(caught.value)
