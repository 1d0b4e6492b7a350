"""Frames in, frames out: reading, writing, tracking, and many videos at once."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "cluster": [
            "detect_part",
            "draw_part",
            "local_cluster",
            "local_pool",
            "process_many",
            "track_video",
        ],
        "files": ["play", "read_frames", "video_info", "write_video"],
        "parts": ["join_parts", "make_plan", "parts_folder"],
        "pipeline": ["Clock", "process_video"],
        "tracks": ["History", "Tracker", "carry", "shift_mask"],
    },
)
