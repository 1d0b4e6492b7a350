"""The network, written to be read: Faster R-CNN, and the branch that makes it Mask R-CNN."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "config": ["Config"],
        "inference": ["letterbox"],
        "mask_head": ["paste_masks"],
        "model": ["MaskRCNN", "Stages", "Targets"],
        "trace": ["Trace", "trace_back"],
    },
)
