"""Annotated pictures of any common format, read, checked, mended and written."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "checking": ["read_dataset"],
        "classes": ["with_classes"],
        "joining": ["join"],
        "overview": ["browse", "statistics"],
        "splits": ["split"],
        "writing": ["write_coco"],
    },
)
