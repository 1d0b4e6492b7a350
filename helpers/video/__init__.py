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
        "history": ["History"],
        "motion": ["carry", "shift_mask"],
        "parts": ["join_parts", "parts_folder"],
        "pipeline": ["Clock", "process_video"],
        "plan": ["make_plan"],
        "reading": ["play", "read_frames", "video_info"],
        "tracks": ["Tracker"],
        "writing": ["write_video"],
    },
)
