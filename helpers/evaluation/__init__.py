"""How good is a detector: AP, kinds of error, intervals, charts."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "ap": ["evaluate", "precision_recall", "rounded", "summarize"],
        "charts": ["plot_calibration", "plot_confusion", "plot_precision_recall"],
        "confidence": ["bootstrap", "calibration", "interval"],
        "errors": ["confusion", "error_kinds", "worst_pictures"],
        "matching": ["match"],
        "scoring": ["score"],
    },
)
