"""The main job: pictures and videos go in; every object comes out drawn, counted and listed."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "devices": ["choose_device", "require_device"],
        "inputs": ["find_work"],
        "options": ["read_options"],
        "problems": ["Problems"],
        "running": ["run"],
        "waiting": ["waiting"],
    },
)
