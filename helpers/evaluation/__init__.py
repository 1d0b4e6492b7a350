"""How good is a detector: AP, kinds of error, intervals, charts."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "ap": ["error_kinds", "evaluate"],
        "confidence": ["bootstrap", "interval"],
    },
)
