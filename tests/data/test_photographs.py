import numpy as np
import pytest

from dlcourse.data.scenes import KINDS, load_photographs, photographs, write_voc

pytest.importorskip("skimage", reason="pip install scikit-image")
needs_stamps = pytest.mark.skipif(
    not photographs._STAMPS.is_dir(), reason="apt install tuxpaint-stamps-default"
)


@needs_stamps
def test_what_is_known_of_a_scene_belongs_together(tmp_path):
    scenes = list(load_photographs("train", 12))
    for scene in scenes:
        assert scene.image.dtype == np.float32 and scene.image.shape == (3, 96, 96)
        assert scene.image.min() >= 0 and scene.image.max() <= 1
        assert scene.names == KINDS
        assert (scene.masks.sum(axis=0) <= 1).all()
        for label, mask in zip(scene.labels, scene.masks, strict=True):
            assert (scene.classes[mask] == label).all()
            assert KINDS[label] in scene.caption
    assert {label for scene in scenes for label in scene.labels} == {1, 2, 3, 4}
    again = load_photographs("train", 100)
    np.testing.assert_array_equal(again[5].image, scenes[5].image)
    write_voc(scenes[:1], tmp_path, "train")
    text = (tmp_path / "Annotations" / "train_000000.xml").read_text()
    assert f"<name>{KINDS[scenes[0].labels[0]]}</name>" in text


@needs_stamps
def test_the_stamps_of_the_splits_are_disjoint():
    splits = [load_photographs(s, 1)._stamps for s in ("train", "validation", "test")]
    everything = [path for stamps in splits for path, _ in stamps]
    assert len(everything) == len(set(everything)) > 200
    for stamps in splits:
        assert {label for _, label in stamps} == {1, 2, 3, 4}


def test_wrong_arguments_and_missing_stamps(monkeypatch, tmp_path):
    with pytest.raises(ValueError, match="split must be one of"):
        load_photographs("tests")
    with pytest.raises(ValueError, match="things from 1 to 4"):
        load_photographs("test", things=(0, 1))
    monkeypatch.setattr(photographs, "_STAMPS", tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="apt install tuxpaint-stamps-default"):
        load_photographs("test")
