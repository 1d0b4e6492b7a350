"""Whether a data set that was read is what was written."""

import numpy as np

from valid.formats.parts import box_of


def compare(photos, data):
    """Raise an AssertionError where a data set is not what was written."""
    left_out = [str(problem) for problem in data.problems if not problem.fixed]
    assert not left_out, f"left out: {left_out[0]}"
    found = {record.path.name: number for number, record in enumerate(data.records)}
    wanted = {photo.name.rsplit("/", 1)[-1] for photo in photos}
    assert wanted <= set(found), f"pictures missing: {sorted(wanted - set(found))}"
    for photo in photos:
        compare_photo(photo, data.truth(found[photo.name.rsplit("/", 1)[-1]]))


def compare_photo(photo, truth):
    """Raise an AssertionError where one picture's objects are not what was written."""
    assert truth.image_size == photo.size, f"{photo.name}: {truth.image_size}"
    assert len(truth) == len(photo.objects), f"{photo.name}: {len(truth)} objects"
    read = {_key(*row) for row in zip(truth.names, truth.masks, truth.scores < 1, strict=True)}
    for one in photo.objects:
        key = _key(one.label, one.mask, one.is_crowd)
        assert key in read, f"{photo.name}: no {one.label} at {box_of(one.mask)}"


def _key(label, mask, is_crowd):
    return label, np.packbits(mask).tobytes(), bool(is_crowd)
