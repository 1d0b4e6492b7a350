"""Videos of every container, damaged."""

import numpy as np

from hostile.damage import damaged


def check(rng, folder):
    from helpers.video import process_video, write_video

    frames = [np.full((32, 48, 3), 20 * i, np.uint8) for i in range(6)]
    write_video(folder / "good.mp4", frames, 6)
    path = folder / f"a{rng.choice(('.mp4', '.mkv', '.avi', '.gif', '.mov'))}"
    path.write_bytes(damaged((folder / "good.mp4").read_bytes(), rng))
    try:
        process_video(path, folder / "out.mp4", lambda frame: frame, progress=False)
    finally:
        left = {other.name for other in folder.iterdir()} - {"good.mp4", path.name, "out.mp4"}
        assert not left, f"left behind: {left}"
