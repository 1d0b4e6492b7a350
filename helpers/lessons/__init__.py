"""What belongs to the notebooks: explorers, questions, and the checks of the exercises."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["checks"],
    submod_attrs={
        "anchors": ["explore_anchors"],
        "choices": ["explore_choices", "read_choices"],
        "fcn": ["build_heads", "draw_labels", "load_fcn"],
        "figures": [
            "GREY",
            "ORANGE",
            "plot_box_shares",
            "plot_calls",
            "plot_choices",
            "plot_class_ious",
            "plot_costs",
            "plot_dataset",
            "plot_fcn_losses",
            "plot_front",
            "plot_intervals",
            "plot_iou_by_size",
            "plot_loss_ratios",
            "plot_rates",
            "plot_staircase",
            "plot_steps",
            "show_boxes",
            "show_long_axes",
        ],
        "learning": ["after_steps", "explore_checkpoints", "explore_learning"],
        "outline": ["explore_outline", "outline_in_box"],
        "quiz": ["ask_questions"],
        "roi_align": ["explore_roi_align"],
        "stages": ["explore_stages"],
        "thresholds": ["explore_thresholds"],
        "upload": ["explore_upload"],
        "xray": ["explore_xray", "walk_back"],
    },
)
