"""Many videos over any executor: frame for frame as on one machine, whatever dies on the way."""

import functools
import os
import shutil

import numpy as np
import pytest

from helpers import DATA
from helpers.models import load_detector
from helpers.video import writing
from helpers.video.cluster import local_cluster, local_pool, process_many
from helpers.video.pipeline import process_video
from helpers.video.reading import read_frames
from helpers.video.writing import write_video
from tests.videos import picture, read, tone
from tests.workers import cursed, deadly, deadly_streets, moody


def moving(number, size=(64, 128)):
    """A picture with a light spot that moves."""
    image = picture(number % 16, size)
    image[-8:, number % 50 : number % 50 + 8] = 255
    return image


def same(one, other):
    """Whether two videos hold the same times, sound and frames, bit for bit."""
    pairs = zip(read_frames(one), read_frames(other), strict=True)
    return read(one) == read(other) and all((a == b).all() for a, b in pairs)


@pytest.fixture
def videos(tmp_path, monkeypatch):
    """Two videos of several parts each, one of them dark in one frame, and a file that is none."""
    frames = [moving(i) for i in range(40)]
    with monkeypatch.context() as only_here:
        only_here.setitem(writing.X264, "g", "6")  # a key frame in six: parts of 12 s
        write_video(tmp_path / "a.mp4", frames, 1, tone(4.0))
        frames[17] = np.full_like(frames[17], 20)
        write_video(tmp_path / "b.mp4", frames, 1)
    (tmp_path / "c.mp4").write_text("no video")
    return [tmp_path / name for name in ("a.mp4", "b.mp4", "c.mp4")]


def as_alone(videos, made, folder, **options):
    """Whether the good videos are as one process makes them."""
    for path, one in zip(videos[:2], made, strict=False):
        process_video(path, folder / path.name, moody(), progress=False, **options)
        if not same(one.path, folder / path.name):
            return False
    return True


@pytest.mark.parametrize("options", [{}, {"track": False, "every": 3, "scale": 0.5, "start": 5.5}])
def test_one_after_another(videos, tmp_path, options):
    made = process_many(videos, tmp_path / "out", moody, progress=False, **options)
    assert [one.frames for one in made] == [40, 40, 0] if not options else [34, 34, 0]
    assert made[0].sound == "copied" and made[1].sound is None and not made[0].failed
    assert "no video that can be read" in made[2].problem and made[2].path is None
    if not options:
        assert made[1].failed == {17: "RuntimeError: too dark"}
    assert as_alone(videos, made, tmp_path / "alone", **options)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.mp4", "b.mp4"]


def check(videos, folder, made):
    """They are as one process makes them; the bad video is reported and left nothing behind."""
    assert as_alone(videos, made, folder.parent / "alone")
    assert made[1].failed == {17: "RuntimeError: too dark"} and made[2].problem
    assert sorted(path.name for path in folder.iterdir()) == ["a.mp4", "b.mp4"]


@pytest.mark.slow
def test_a_pool_whose_worker_is_killed(videos, tmp_path, monkeypatch):
    monkeypatch.setenv("PIXELWISE_MARK", str(tmp_path / "mark"))
    made = process_many(videos, tmp_path / "out", deadly, local_pool, progress=False)
    assert (tmp_path / "mark").exists()
    check(videos, tmp_path / "out", made)


@pytest.mark.slow
def test_work_that_kills_every_worker_is_given_up(videos, tmp_path):
    pool = functools.partial(local_pool, 1)
    made = process_many(videos[:1], tmp_path / "out", cursed, pool, progress=False)
    assert "a worker was killed" in made[0].problem
    with local_pool(1) as pool:  # one that cannot be made again
        made = process_many(videos[:1], tmp_path / "new", cursed, pool, progress=False)
    assert "a worker was killed" in made[0].problem


@pytest.mark.slow
def test_a_dask_cluster_whose_worker_is_killed(videos, tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setenv("PIXELWISE_MARK", str(tmp_path / "mark"))
    with local_cluster(2) as executor:
        calm = executor.submit(os.environ.get, "MALLOC_TRIM_THRESHOLD_")
        assert int(calm.result()) == 1 << 28
        made = process_many(videos, tmp_path / "out", deadly, executor, progress=False)
    assert (tmp_path / "mark").exists()
    check(videos, tmp_path / "out", made)


@pytest.mark.slow
def test_the_bundled_model_on_a_dask_cluster_whose_worker_is_killed(tmp_path, monkeypatch):
    """Half a second of the bundled video, twice; 12 frames each, as one process makes them."""
    pytest.importorskip("distributed")
    monkeypatch.setenv("PIXELWISE_MARK", str(tmp_path / "mark"))
    videos = [tmp_path / "a.mp4", tmp_path / "b.mp4"]
    for path in videos:
        shutil.copy(DATA / "street.mp4", path)
    with local_cluster(2) as executor:
        out = tmp_path / "out"
        made = process_many(videos, out, deadly_streets, executor, progress=False, end=0.5)
    assert (tmp_path / "mark").exists() and [one.frames for one in made] == [12, 12]
    alone, streets = tmp_path / "alone.mp4", load_detector("streets", say=None)
    process_video(videos[0], alone, streets, progress=False, end=0.5)
    assert same(made[0].path, alone) and same(made[1].path, alone)


def test_it_goes_on_where_it_was(videos, tmp_path, monkeypatch):
    """Finished parts are not made again: a model that fails at once is not even asked."""
    monkeypatch.setattr("helpers.video.cluster.join_video", cut_short)
    made = process_many(videos[:1], tmp_path / "out", moody, progress=False)
    assert made[0].problem == "OSError: no room" and (tmp_path / "out/a.mp4.parts").is_dir()
    monkeypatch.undo()
    made = process_many(videos[:1], tmp_path / "out", moody, progress=False)
    assert made[0].frames == 40 and not (tmp_path / "out/a.mp4.parts").exists()


def cut_short(*_):
    raise OSError("no room")
