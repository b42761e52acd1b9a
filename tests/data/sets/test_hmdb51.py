"""HMDB51: flags 0, 1 and 2, three splits, with and without the release's own folders."""

from __future__ import annotations

import pytest

from neurosim.data import Recipe, sets
from neurosim.errors import ClipError

FLAGS = {1: (1, 1, 2, 0), 2: (2, 0, 1, 1), 3: (0, 2, 1, 2)}  # split → flag of each clip


@pytest.fixture(scope="module", params=["flat", "released"])
def root(request, tmp_path_factory, film):
    home = tmp_path_factory.mktemp(f"hmdb_{request.param}")
    released = request.param == "released"
    videos = home / "hmdb51_org" if released else home
    lists = home / "testTrainMulti_7030_splits" if released else home
    lists.mkdir(exist_ok=True)
    for label, name in enumerate(("brush_hair", "wave")):
        files = [f"#20_{name}_u_nm_np{i}_ba_goo_{i}.avi" for i in range(4)]
        for i, file in enumerate(files):
            film(videos / name / file, [10 * label + i] * 3)
        for fold, flags in FLAGS.items():
            lines = [f"{file} {flag} " for file, flag in zip(files, flags, strict=True)]
            (lists / f"{name}_test_split{fold}.txt").write_text("\n".join(lines))
    return home


@pytest.mark.parametrize("fold", [1, 2, 3])
@pytest.mark.parametrize(("split", "flag"), [("train", 1), ("test", 2)])
def test_flags(root, numbers, fold, split, flag):
    data = sets.open("hmdb51", root, split, fold=fold, recipe=Recipe(2, (32, 32)))
    chosen = [i for i, f in enumerate(FLAGS[fold]) if f == flag]
    assert data.classes == ("brush_hair", "wave")
    assert data.labels == tuple(label for label in (0, 1) for _ in chosen)
    said = [numbers(data.frames(k))[0] for k in range(len(data))]
    assert said == [10 * label + i for label in (0, 1) for i in chosen]
    assert (
        data.items[0].key == f"brush_hair/#20_brush_hair_u_nm_np{chosen[0]}_ba_goo_{chosen[0]}.avi"
    )


def test_bad_lists(tmp_path):
    with pytest.raises(ClipError, match="found no '<class>_test_split1.txt' in"):
        sets.open("hmdb51", tmp_path)
    (tmp_path / "wave_test_split1.txt").write_text("a.avi 1\nb.avi 3\n")
    with pytest.raises(ClipError, match="at 'wave_test_split1.txt': found 'b.avi 3' in line 2"):
        sets.open("hmdb51", tmp_path)
