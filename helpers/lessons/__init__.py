"""What belongs to the notebooks: explorers, sliders and the checks of the exercises."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "explorers": ["explore_anchors", "explore_roi_align", "explore_stages"],
        "sliders": ["explore_cuts", "explore_upload"],
    },
)
