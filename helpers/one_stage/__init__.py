"""A one-stage detector, NanoDet, and a mask branch on it: the network of `everyday`."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "backbone": ["CspBackbone"],
        "model": ["OneStageConfig", "OneStageMaskRCNN"],
        "neck": ["PathNeck"],
    },
)
