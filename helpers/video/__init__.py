"""Frames in, frames out: reading, writing, tracking, and many videos at once."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "cluster": [
            "draw_part",
            "find_part",
            "follow_film",
            "local_cluster",
            "local_pool",
            "process_many",
        ],
        "parts": ["join", "make_plan", "parts_folder"],
        "pipeline": ["Clock", "play", "process_video", "read_frames", "video_info", "write_video"],
        "tracks": ["carry", "History", "Tracker"],
    },
)
