"""Models by name: load, fetch, check, export."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "download": ["catalogue", "find_cached"],
        "export": ["FINAL_STAGES", "compiled", "to_lite"],
        "weights": [
            "load_model",
            "read_card",
            "read_weights",
            "save_model",
            "set_weights",
            "transfer",
        ],
        "zoo": ["Detector", "from_model", "load_detector", "network_detector", "resolve"],
    },
)
