"""The figures of the notebooks, a file for each notebook."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "axes": [
            "BLUE",
            "COLORS",
            "GREY",
            "ORANGE",
        ],
        "boxes_and_masks": [
            "name_colors",
            "plot_box_shares",
            "plot_costs",
            "plot_dataset",
        ],
        "faster_rcnn": [
            "show_boxes",
            "show_centres",
            "plot_anchors",
            "show_objectness",
            "plot_recall_of_steps",
            "plot_recall_of_places",
        ],
        "fcn": [
            "plot_fcn_losses",
            "plot_class_ious",
        ],
        "mask_rcnn": [
            "plot_iou_by_size",
            "plot_loss_ratios",
        ],
        "build_and_train": [
            "plot_steps",
            "plot_choices",
        ],
        "test_on_images": [
            "show_long_axes",
            "plot_staircase",
        ],
        "compare_models": [
            "plot_calls",
            "plot_intervals",
            "plot_front",
        ],
        "train_on_your_data": [
            "plot_rates",
        ],
    },
)
