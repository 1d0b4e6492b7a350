"""AP and kinds of error: cases whose answer is known, plain loops, and pycocotools as it comes."""

import numpy as np
import pytest
from pycocotools import mask as rle

from helpers.evaluation import (
    confusion,
    error_kinds,
    evaluate,
    match,
    precision_recall,
    rounded,
    summarize,
    worst_pictures,
)
from helpers.evaluation.matching import METRICS
from helpers.structures import Detections, box_iou, mask_iou

NAMES = {1: "person", 3: "car"}
SIZE = (20, 30)


def image(*objects):
    """Detections from (label, score, x1, y1, x2, y2): filled boxes."""
    masks = np.zeros((len(objects), *SIZE), bool)
    for mask, (_, _, x1, y1, x2, y2) in zip(masks, objects, strict=True):
        mask[y1:y2, x1:x2] = True
    boxes = np.array([o[2:] for o in objects], float).reshape(-1, 4)
    return Detections(boxes, [o[0] for o in objects], [o[1] for o in objects], SIZE, NAMES, masks)


# --- AP ----------------------------------------------------------------------------------------


def test_what_is_found_exactly_scores_one():
    truth = [image((1, 1, 2, 2, 8, 9)), image(), image((3, 1, 0, 0, 30, 20), (1, 1, 5, 5, 9, 9))]
    result = evaluate(truth, truth)
    for kind in ("mask", "box"):
        assert rounded(result[kind]) == {
            "AP": 1, "AP50": 1, "AP75": 1, "AP_small": 1, "AP_medium": None, "AP_large": None,
        }  # fmt: skip
        assert tuple(result[kind]) == METRICS
    assert rounded(result["per_class"]) == {
        "person": {"mask": 1, "box": 1, "num": 2},
        "car": {"mask": 1, "box": 1, "num": 1},
    }


def test_ap_with_a_pencil():
    # Two persons, one found; a false one with less score does no harm to it: precision is 1 at the
    # recalls 0, .01 ... .50, 51 of the 101 that COCO asks for, then 0.
    truth = [image((1, 1, 0, 0, 10, 10), (1, 1, 20, 10, 30, 20))]
    found = [image((1, 0.9, 0, 0, 10, 10), (1, 0.8, 12, 0, 18, 6))]
    assert evaluate(truth, found)["mask"]["AP"] == pytest.approx(51 / 101, abs=1e-12)
    # With more score it halves the precision.
    found = [image((1, 0.9, 12, 0, 18, 6), (1, 0.8, 0, 0, 10, 10))]
    result = evaluate(truth, found)
    assert result["mask"]["AP"] == result["box"]["AP"] == pytest.approx(51 / 202, abs=1e-12)
    # A category without true objects says nothing and does not pull the mean down.
    assert result["per_class"]["car"] == {"mask": None, "box": None, "num": 0}


def test_mask_and_box_are_judged_apart():
    truth = image((1, 1, 0, 0, 10, 5))
    masks = truth.masks.copy()
    masks[0, :5, :10].flat[31:] = False  # 31 of 50 px: IoU .62, enough at .50, .55 and .60 only
    result = evaluate([truth], [truth.replace(masks=masks)])
    assert result["box"]["AP"] == pytest.approx(1)
    assert [rounded(result["mask"])[name] for name in ("AP", "AP50", "AP75")] == [0.3, 1, 0]


def test_the_right_place_with_the_wrong_name_is_nothing():
    truth, found = [image((1, 1, 0, 0, 10, 10))], [image((3, 0.9, 0, 0, 10, 10))]
    assert evaluate(truth, found)["mask"]["AP"] == 0
    # ... and the same picture must be meant: the finds of two pictures, exchanged.
    truth = [image((1, 1, 0, 0, 10, 10)), image((1, 1, 20, 10, 30, 20))]
    assert evaluate(truth, truth[::-1])["mask"]["AP"] == 0


def test_classes_are_compared_by_name_whatever_their_ids():
    true = image((1, 1, 0, 0, 10, 10), (3, 1, 12, 0, 20, 9))
    other_ids = {1: "car", 17: "person"}
    found = true.replace(labels=[17, 1], scores=[0.9, 0.8], categories=other_ids)
    result = evaluate([true], [found])
    assert rounded(result)["mask"]["AP"] == rounded(result)["box"]["AP"] == 1
    assert error_kinds([true], [found])["right"] == 2
    assert confusion([true], [found])[0] == ["person", "car"]
    np.testing.assert_array_equal(confusion([true], [found])[1], np.diag([1, 1, 0]))
    # The same id of another name is nothing.
    wrong = true.replace(scores=[0.9, 0.8], categories={1: "cat", 3: "dog"})
    assert evaluate([true], [wrong])["mask"]["AP"] == 0
    assert error_kinds([true], [wrong]) == {
        "right": 0, "wrong_class": 2, "duplicate": 0, "badly_cut": 0, "background": 0, "missed": 2,
    }  # fmt: skip
    # Pictures that number their classes differently among themselves.
    truth = [true, true.replace(labels=[17, 1], categories=other_ids)]
    result = evaluate(truth, [found, found])
    assert rounded(result)["mask"]["AP"] == 1
    assert {name: row["num"] for name, row in result["per_class"].items()} == {
        "person": 2,
        "car": 2,
    }


def test_crowds_are_ignored_as_coco_does():
    """A person, and a crowd in which three detections lie: they count neither way."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth = image((1, 1, 0, 0, 6, 10), (1, 0, 10, 0, 30, 20))
    inside = [(1, 0.9 - i / 10, 11 + 6 * i, 2, 16 + 6 * i, 12) for i in range(3)]
    found = image((1, 0.5, 0, 0, 6, 10), *inside)
    result = evaluate([truth], [found])
    coco, results = COCO(), []
    coco.dataset = {"images": [{"id": 1, "height": 20, "width": 30}], "annotations": []}
    coco.dataset["categories"] = [{"id": 1, "name": "person"}]
    for i, row in enumerate(truth.to_coco(1)):
        coco.dataset["annotations"].append({**row, "id": i + 1, "iscrowd": i})
    coco.createIndex()
    results = [{k: v for k, v in row.items() if k != "area"} for row in found.to_coco(1)]
    for kind, name in (("mask", "segm"), ("box", "bbox")):
        drop = "bbox" if kind == "mask" else "segmentation"
        rows = [{k: v for k, v in row.items() if k != drop} for row in results]
        run = COCOeval(coco, coco.loadRes(rows), name)
        run.evaluate()
        run.accumulate()
        run.summarize()
        assert result[kind]["AP"] == pytest.approx(run.stats[0]) == pytest.approx(1)
    assert result["per_class"]["person"]["num"] == 1
    kinds = error_kinds([truth], [found])
    assert (kinds["right"], kinds["background"], kinds["missed"]) == (1, 0, 0)
    assert worst_pictures([truth], [found]) == []
    # A car in a crowd of persons is as wrong as anywhere.
    kinds = error_kinds([truth], [image((3, 0.9, 11, 2, 16, 12))])
    assert (kinds["background"], kinds["missed"]) == (1, 1)


def test_sizes_are_those_of_the_mask():
    # 60 x 60 px are a medium object (from 32² to 96²). A frame of that size has a small area,
    # though the box is the same: COCO measures the mask, for both kinds of AP.
    mask = np.ones((1, 60, 60), bool)
    full = Detections([[0, 0, 60, 60]], [1], [1], (60, 60), NAMES, mask)
    mask = mask.copy()
    mask[0, 4:56, 4:56] = False  # 3600 - 2704 = 896 px, less than 1024
    frame = full.replace(masks=mask)
    sizes = ("AP_small", "AP_medium")
    assert [rounded(evaluate([full], [full]))["mask"][s] for s in sizes] == [None, 1]
    result = rounded(evaluate([frame], [frame]))
    assert [result["mask"][s] for s in sizes] == [result["box"][s] for s in sizes] == [1, None]


def pictures(num=12, seed=0):
    """Truth of `num` pictures, two classes, and what a clumsy detector found in them."""
    rng, truth, found = np.random.default_rng(seed), [], []
    for _ in range(num):
        corners = rng.integers(0, [20, 12], (4, 2))
        boxes = np.concatenate([corners, corners + rng.integers(4, 9, (4, 2))], 1)
        moved = np.clip(boxes + rng.integers(-1, 2, boxes.shape), 0, [30, 20, 30, 20])
        labels, scores = rng.choice([1, 3], 4), rng.random(4).round(1)  # many scores are equal
        truth.append(image(*[(k, 1, *b) for k, b in zip(labels, boxes.tolist(), strict=True)][1:]))
        rows = zip(labels, scores, moved.tolist(), strict=True)
        found.append(image(*[(k, s, *b) for k, s, b in rows]))
    return truth, found


def test_against_pycocotools_with_its_own_result_files():
    """What a stranger gets who hands COCO's code the truth, and masks or boxes as results."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth, found = pictures()
    # And a picture where masks are smaller than boxes, and scores differ in the sixth digit.
    masks, boxes = np.zeros((3, 60, 60), bool), [[0, 0, 60, 60], [0, 0, 60, 60], [5, 5, 50, 50]]
    masks[0, :, :14] = masks[1, :14] = masks[2, 5:50, 5:15] = True  # small ones, in medium boxes
    scores = [0.500001, 0.500002, 0.500003]
    three = Detections(boxes, [1, 1, 1], scores, (60, 60), NAMES, masks)
    truth, found = [*truth, three[:1]], [*found, three]
    coco = COCO()
    sizes = [one.image_size for one in truth]
    coco.dataset = {
        "images": [{"id": i, "height": h, "width": w} for i, (h, w) in enumerate(sizes)],
        "categories": [{"id": id, "name": name} for id, name in NAMES.items()],
        "annotations": [],
    }
    results = {"mask": [], "box": []}
    for i, (true, some) in enumerate(zip(truth, found, strict=True)):
        for side, scores in ((true, None), (some, some.scores)):
            for j, (x1, y1, x2, y2) in enumerate(side.boxes.tolist()):
                code = rle.encode(np.asfortranarray(side.masks[j], np.uint8))
                record = {"image_id": i, "category_id": int(side.labels[j])}
                box = {**record, "bbox": [x1, y1, x2 - x1, y2 - y1]}
                if scores is None:
                    more = {"id": len(coco.dataset["annotations"]) + 1, "iscrowd": 0}
                    more |= {"area": int(side.masks[j].sum()), "segmentation": code}
                    coco.dataset["annotations"].append({**box, **more})
                else:
                    score = {"score": float(scores[j])}
                    results["box"].append({**box, **score})
                    results["mask"].append({**record, **score, "segmentation": code})
    coco.createIndex()
    ours = evaluate(truth, found)
    for kind, iou_type in (("mask", "segm"), ("box", "bbox")):
        run = COCOeval(coco, coco.loadRes(results[kind]), iou_type)
        run.evaluate()
        run.accumulate()
        run.summarize()
        assert 0.1 < run.stats[0] < 0.9
        for name, value in zip(METRICS, run.stats, strict=False):
            assert ours[kind][name] == (pytest.approx(value, abs=1e-12) if value >= 0 else None)
        for i, name in enumerate(NAMES.values()):
            ap = run.eval["precision"][:, :, i, 0, -1].mean()
            assert ours["per_class"][name][kind] == pytest.approx(ap, abs=1e-12)


def test_boxes_without_masks():
    truth, found = pictures()
    plain = [[one.replace(masks=None) for one in side] for side in (truth, found)]
    for sides in (plain, (truth, plain[1]), (plain[0], found)):
        result = evaluate(*sides)
        assert result["mask"] == dict.fromkeys(METRICS)
        assert result["per_class"]["car"]["mask"] is None
        assert result["box"]["AP"] == evaluate(truth, found)["box"]["AP"]
        assert precision_recall(match(*sides)) == {}
    # A picture in which nothing was found lacks no masks.
    found[0] = found[0][:0].replace(masks=None)
    assert evaluate(truth, found)["mask"]["AP"] > 0


def test_against_a_plain_loop():
    rng = np.random.default_rng(0)
    truth, found = [], []
    for _ in range(12):
        corners = rng.integers(0, [20, 12], (4, 2))
        boxes = np.concatenate([corners, corners + rng.integers(4, 9, (4, 2))], 1)
        moved = np.clip(boxes + rng.integers(-1, 2, boxes.shape), 0, [30, 20, 30, 20])
        truth.append(image(*[(1, 1, *box) for box in boxes.tolist()]))
        scores = rng.random(4).round(4)
        found.append(image(*[(1, s, *b) for s, b in zip(scores, moved.tolist(), strict=True)]))
    result = evaluate(truth, found)

    # At IoU .5: best score first, each takes the best true object that is left in its picture.
    finds = sorted(
        ((float(s), i, j) for i, f in enumerate(found) for j, s in enumerate(f.scores)),
        reverse=True,
    )
    taken, right = set(), []
    for _, i, j in finds:
        overlaps = [
            (np.sum(found[i].masks[j] & m) / np.sum(found[i].masks[j] | m), k)
            for k, m in enumerate(truth[i].masks)
            if (i, k) not in taken
        ]
        best, k = max(overlaps)
        right.append(best >= 0.5)
        if right[-1]:
            taken.add((i, k))
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    recall = np.cumsum(right) / sum(map(len, truth))
    at = [max(precision[recall >= r], default=0) for r in np.linspace(0, 1, 101)]
    assert 0.3 < np.mean(at) < 0.95
    assert result["mask"]["AP50"] == pytest.approx(np.mean(at), abs=1e-12)


def test_nothing_true_and_nothing_found():
    none, one = [image()], [image((1, 0.9, 0, 0, 5, 5))]
    for found in (none, one):
        result = evaluate(none, found)
        assert result["mask"] == result["box"] == dict.fromkeys(METRICS)
        assert result["per_class"]["car"] == {"mask": None, "box": None, "num": 0}
    assert evaluate([], []) == {
        "mask": dict.fromkeys(METRICS), "box": dict.fromkeys(METRICS), "per_class": {},
    }  # fmt: skip
    result = evaluate([image((1, 1, 0, 0, 5, 5))], none)
    assert result["mask"]["AP"] == 0 and result["per_class"]["person"]["num"] == 1


def test_evaluate_is_silent(capsys):
    evaluate([image((1, 1, 0, 0, 5, 5))], [image((1, 0.9, 0, 0, 5, 5))])
    assert capsys.readouterr().out == ""


def test_what_does_not_fit_is_refused():
    one = image((1, 1, 0, 0, 5, 5))
    with pytest.raises(ValueError, match="2 images with truth, 1 with results"):
        evaluate([one, one], [one])


def test_rounded():
    result = {"a": {"b": 0.123456, "c": 7}, "d": None}
    assert rounded(result, 2) == {"a": {"b": 0.12, "c": 7}, "d": None}
    assert result["a"]["b"] == 0.123456


# --- precision and recall ----------------------------------------------------------------------


def test_precision_recall_with_a_pencil():
    # Right, wrong, right of two persons: precision 1 up to recall .5, then 2/3.
    truth = [image((1, 1, 0, 0, 10, 10), (1, 1, 20, 10, 30, 20))]
    found = [image((1, 0.9, 0, 0, 10, 10), (1, 0.8, 12, 0, 18, 6), (1, 0.7, 20, 10, 30, 20))]
    curves = precision_recall(match(truth, found))
    assert list(curves) == ["person"]  # no true car: nothing to say
    np.testing.assert_allclose(curves["person"], [1] * 51 + [2 / 3] * 50)
    # Nothing right at all is a curve, too; found by half stays 0 from there on.
    assert not precision_recall(match(truth, [image()]))["person"].any()
    half = precision_recall(match(truth, [found[0][:1]]), "box")["person"]
    np.testing.assert_allclose(half, [1] * 51 + [0] * 50)


def test_the_area_under_the_curves_is_the_ap():
    matched = match(*pictures())
    result = summarize(matched)
    for iou, name in ((0.5, "AP50"), (0.75, "AP75")):
        means = [curve.mean() for curve in precision_recall(matched, "box", iou).values()]
        assert np.mean(means) == pytest.approx(result["box"][name], abs=1e-12)
    curves = [precision_recall(matched, "mask", iou) for iou in np.arange(50, 100, 5) / 100]
    assert np.mean([c["car"].mean() for c in curves]) == pytest.approx(
        result["per_class"]["car"]["mask"], abs=1e-12
    )


def test_an_iou_that_coco_does_not_ask_about():
    with pytest.raises(ValueError, match=r"one of .5, .55, … .95, as COCO has them, got 0.52"):
        precision_recall(match([image()], [image()]), iou=0.52)


# --- IoU ---------------------------------------------------------------------------------------


def test_mask_iou_against_pycocotools():
    rng = np.random.default_rng(1)
    a, b = rng.random((5, 20, 30)) < 0.4, rng.random((7, 20, 30)) < 0.7
    encoded = [[rle.encode(np.asfortranarray(m, np.uint8)) for m in masks] for masks in (a, b)]
    np.testing.assert_allclose(mask_iou(a, b), rle.iou(*encoded, [0] * 7), rtol=1e-9)


def test_mask_iou_with_a_pencil():
    a, b = image((1, 1, 0, 0, 4, 1), (1, 1, 9, 9, 9, 9)).masks, image((1, 1, 2, 0, 6, 1)).masks
    np.testing.assert_allclose(mask_iou(a, b), [[2 / 6], [0]])  # the second has no pixel
    np.testing.assert_array_equal(mask_iou(a[1:], a[1:]), [[0]])
    assert mask_iou(a[:0], b).shape == (0, 1) and mask_iou(a, b[:0]).shape == (2, 0)


def test_box_iou_is_that_of_boxes_filled():
    rng = np.random.default_rng(2)
    corners = [rng.integers(0, [20, 12], (n, 2)) for n in (5, 7)]
    a, b = (np.concatenate([c, c + rng.integers(0, 9, c.shape)], 1) for c in corners)
    masks = [image(*[(1, 1, *box) for box in boxes.tolist()]).masks for boxes in (a, b)]
    np.testing.assert_allclose(box_iou(a, b), mask_iou(*masks), rtol=1e-12)
    assert box_iou(a[:0], b).shape == (0, 7) and box_iou(a, b[:0]).shape == (5, 0)


# --- kinds of error ----------------------------------------------------------------------------


def test_one_error_of_each_kind():
    truth = image((1, 1, 0, 0, 10, 10), (3, 1, 10, 10, 20, 20), (1, 1, 20, 0, 30, 10))
    found = image(
        (1, 0.6, 0, 0, 10, 9),  # fits as well, but is the second one: duplicate
        (1, 0.9, 0, 0, 10, 10),  # right
        (1, 0.8, 10, 10, 20, 20),  # a car taken for a person
        (1, 0.7, 20, 0, 24, 10),  # IoU .4: badly cut
        (3, 0.7, 0, 12, 8, 20),  # nothing there
        (1, 0.4, 20, 0, 30, 10),  # would be right, but scores too little
    )
    expected = {"right": 1, "wrong_class": 1, "duplicate": 1, "badly_cut": 1, "background": 1,
                "missed": 2}  # fmt: skip
    assert error_kinds([truth], [found]) == expected
    # two pictures count twice; with a lower threshold the last one is right
    assert error_kinds([truth] * 2, [found] * 2) == {k: 2 * v for k, v in expected.items()}
    assert error_kinds([truth], [found], score_threshold=0.3) == expected | {
        "right": 2,
        "missed": 1,
    }
    assert error_kinds([truth], [found], iou=0.4) == expected | {
        "right": 2, "badly_cut": 0, "missed": 1,
    }  # fmt: skip


def test_the_best_score_chooses_first():
    # The wide one fits both persons, the left one better; so the other comes too late for that.
    truth = image((1, 1, 0, 0, 10, 10), (1, 1, 4, 0, 14, 10))
    wide, left = (1, 0.9, 1, 0, 12, 10), (1, 0.6, 0, 0, 9, 10)
    for true, found in ((truth, image(wide, left)), (truth[::-1], image(left, wide))):
        kinds = error_kinds([true], [found])
        assert (kinds["right"], kinds["duplicate"], kinds["missed"]) == (1, 1, 1)
    first, second = (1, 0.6, *wide[2:]), (1, 0.9, *left[2:])
    assert error_kinds([truth], [image(first, second)])["right"] == 2


def test_kinds_where_there_is_nothing():
    zero = dict.fromkeys(
        ("right", "wrong_class", "duplicate", "badly_cut", "background", "missed"), 0
    )
    one = image((1, 1, 0, 0, 5, 5))
    assert error_kinds([], []) == error_kinds([image()], [image()]) == zero
    assert error_kinds([one], [image()]) == zero | {"missed": 1}
    assert error_kinds([image()], [one]) == zero | {"background": 1}
    for function in (error_kinds, confusion, worst_pictures):
        with pytest.raises(ValueError, match="2 images with truth, 1 with results"):
            function([one, one], [one])


def test_kinds_of_boxes_without_masks():
    truth, found = pictures()
    boxes = [one.replace(masks=None) for one in found]  # the masks of these pictures are full boxes
    assert error_kinds(truth, boxes) == error_kinds(truth, found)
    assert confusion(truth, boxes)[1].tolist() == confusion(truth, found)[1].tolist()


def test_confusion_with_a_pencil():
    truth = image((1, 1, 0, 0, 10, 10), (3, 1, 10, 10, 20, 20), (1, 1, 20, 0, 30, 10))
    found = image(
        (3, 0.9, 0, 0, 10, 10),  # a person taken for a car, although ...
        (1, 0.6, 0, 0, 10, 9),  # ... with less score it has its name, too: that one goes first
        (1, 0.8, 10, 10, 20, 20),  # a car taken for a person
        (3, 0.7, 0, 12, 8, 20),  # nothing there
        (1, 0.4, 20, 0, 30, 10),  # scores too little
    )
    names, matrix = confusion([truth], [found])
    assert names == ["person", "car"]
    # person: one right, one missed; car: one as person; nothing: two cars
    assert matrix.tolist() == [[1, 0, 1], [1, 0, 0], [0, 2, 0]]
    assert confusion([truth] * 3, [found] * 3)[1].tolist() == (3 * matrix).tolist()
    assert confusion([truth], [found], 0.3)[1].tolist() == [[2, 0, 0], [1, 0, 0], [0, 2, 0]]


def test_the_sums_of_a_confusion_matrix():
    truth, found = pictures(seed=3)
    names, matrix = confusion(truth, found, 0.2)
    assert names == list(NAMES.values())
    for i, label in enumerate(NAMES):
        assert matrix[i].sum() == sum(int((one.labels == label).sum()) for one in truth)
        counted = sum(int(((one.labels == label) & (one.scores >= 0.2)).sum()) for one in found)
        assert matrix[:, i].sum() == counted
    assert np.trace(matrix) == error_kinds(truth, found, 0.2)["right"] > 10


def test_confusion_where_there_is_nothing():
    names, matrix = confusion([image()], [image()])
    assert names == [] and matrix.tolist() == [[0]]
    assert confusion([image()], [image((3, 1, 0, 0, 5, 5))])[1].tolist() == [[0, 0], [1, 0]]
    assert confusion([image((3, 1, 0, 0, 5, 5))], [image()])[1].tolist() == [[0, 1], [0, 0]]


def test_worst_pictures():
    one, other = image((1, 1, 0, 0, 5, 5)), image((3, 1, 10, 10, 20, 20))
    truth, found = [one, one, one, one], [one, image(), other, image()]
    # right; missed; missed and something from nowhere; missed
    worst = worst_pictures(truth, found)
    assert [i for i, _ in worst] == [2, 1, 3]
    assert worst[0][1] == error_kinds([one], [other])
    assert [i for i, _ in worst_pictures(truth, found, num=1)] == [2]
    assert worst_pictures([], []) == worst_pictures(truth, truth) == []
