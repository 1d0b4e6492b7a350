"""The street world: pictures, clips and exact truth, drawn from a seed."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "novelties": ["draw_novelty"],
        "scenes": ["CATEGORIES", "build_world", "draw_clip", "draw_scene"],
    },
)
