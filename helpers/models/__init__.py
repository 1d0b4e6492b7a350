"""Models by name: load, fetch, check, export."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "cards": ["ids_of", "read_card"],
        "download": ["discard", "explain", "receive", "WebPageError"],
        "detector": ["Detector", "from_model", "network_detector"],
        "export": ["export_model"],
        "loading": ["load_detector"],
        "onnx_export": ["write_onnx"],
        "programs": ["compiled", "final_stages", "to_lite"],
        "sources": ["find_source"],
        "weights": ["load_model", "read_weights", "save_model", "set_weights", "transfer"],
        "whole_masks": ["from_torchvision", "from_transformers"],
        "zoo": ["ProgressBar", "catalogue", "find_cached"],
    },
)
