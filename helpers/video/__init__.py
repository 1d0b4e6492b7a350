"""Frames in, frames out: reading, writing, tracking, and many videos at once."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "cluster": ["process_many"],
        "pipeline": ["play", "process_video", "read_frames", "video_info", "write_video"],
    },
)
