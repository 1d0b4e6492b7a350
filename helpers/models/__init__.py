"""Models by name: load, fetch, check, export."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "download": ["catalogue", "find"],
        "export": ["compiled", "to_lite"],
        "weights": ["load_model", "save_model"],
        "zoo": ["Detector", "from_model", "load_detector", "network_detector"],
    },
)
