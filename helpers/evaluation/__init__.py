"""How good is a detector: AP, kinds of error, intervals, charts."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "ap": [
            "confusion",
            "error_kinds",
            "evaluate",
            "match",
            "precision_recall",
            "rounded",
            "summarize",
            "worst_pictures",
        ],
        "charts": ["plot_calibration", "plot_confusion", "plot_precision_recall"],
        "confidence": ["bootstrap", "calibration", "interval"],
    },
)
