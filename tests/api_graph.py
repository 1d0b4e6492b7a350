"""Graphs as the TF1 Object Detection API exported them, with random weights: the loader's fodder.

`build` imitates `mask_rcnn_inception_v2_coco_2018_01_28/frozen_inference_graph.pb`, node by node
where a loader can notice: v1 loops and TensorArrays, a resizer inside, non-maximum suppression
unrolled class by class (10,000 nodes), outputs padded to 100 rows. What it imitates is described
in tensorflow/models, research/object_detection: `exporter.py` (the contract of the outputs),
`meta_architectures/faster_rcnn_meta_arch.py` (the three stages), `core/preprocessor.py` and
`core/post_processing.py`; the channels are InceptionV2's (Ioffe and Szegedy 2015). `toy` has the
same contract, but its answers are given: for tests with a pencil.

Letters: B images, N anchors or boxes, K foreground classes, M side of a mask.
"""

import contextlib
import pathlib

import numpy as np
import tensorflow.compat.v1 as tf

# Block: stride, channels of each branch (1 x 1, then 3 x 3s), the pooling branch and its channels.
FIRST_STAGE = {
    "Mixed_3b": (1, [(64,), (64, 64), (64, 96, 96)], "AVG", 32),
    "Mixed_3c": (1, [(64,), (64, 96), (64, 96, 96)], "AVG", 64),
    "Mixed_4a": (2, [(128, 160), (64, 96, 96)], "MAX", 0),
    "Mixed_4b": (1, [(224,), (64, 96), (96, 128, 128)], "AVG", 128),
    "Mixed_4c": (1, [(192,), (96, 128), (96, 128, 128)], "AVG", 128),
    "Mixed_4d": (1, [(160,), (128, 160), (128, 160, 160)], "AVG", 96),
    "Mixed_4e": (1, [(96,), (128, 192), (160, 192, 192)], "AVG", 96),
}
SECOND_STAGE = {
    "Mixed_5a": (2, [(128, 192), (192, 256, 256)], "MAX", 0),
    "Mixed_5b": (1, [(352,), (192, 320), (160, 224, 224)], "AVG", 128),
    "Mixed_5c": (1, [(352,), (192, 320), (192, 224, 224)], "MAX", 128),
}
STRIDE = 16
SHAPES = [(s / r**0.5, s * r**0.5) for r in (0.5, 1.0, 2.0) for s in (0.25, 0.5, 1.0, 2.0)]
ROWS = 100  # of every output
FROZEN = ("frozen_inference_graph.pb",)
OUTPUTS = ("num_detections", *(f"detection_{x}" for x in ("boxes", "scores", "classes", "masks")))


def build(
    folder, *, num_classes=90, width=1.0, mask_size=15, sides=(800, 1365), num_proposals=100,
    score_threshold=0.3, formats=FROZEN, seed=0,
):  # fmt: skip
    """Write a Mask R-CNN with random weights as the API's exporter did.

    The heads are fitted in closed form to two pictures, one of noise and one black: the logits get
    a useful spread, and what looks like the black one is background. So a picture gives some
    detections, another picture others, a black one none; what they show means nothing.

    Args:
        folder: where to write; made if need be.
        num_classes: K; ids in the output are 1..K.
        width: multiplier of all channels; 1 costs what inception_v2 costs, 0.1 next to nothing.
        mask_size: M, 15 or 33.
        sides: the resizer's limits, pixels: the shorter side becomes the first unless the longer
            one would pass the second. Anchors shrink with it.
        num_proposals: of the first stage.
        score_threshold: detections not above it become padding.
        formats: "frozen_inference_graph.pb" and/or "saved_model/saved_model.pb".
        seed: of the weights; the same seed writes the same graph.
    """
    config = tf.ConfigProto()
    config.graph_options.optimizer_options.opt_level = -1  # each run is the only one of its kind
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    with _v1_graph() as graph, tf.Session(graph=graph, config=config) as session:
        net = _Net(session, np.random.default_rng(seed), width)
        outputs = _model(net, num_classes, mask_size, sides, num_proposals, score_threshold)
        _write(pathlib.Path(folder), formats, outputs)


def toy(folder, boxes_yxyx_norm, classes, scores, masks, num_detections=None):
    """Write a tiny frozen graph in the API's contract that finds the same in every picture.

    Args:
        folder: where to write; made if need be.
        boxes_yxyx_norm: (N, 4), [y1, x1, y2, x2], 0..1, N up to 100.
        classes: (N,) label-map ids.
        scores: (N,), highest first.
        masks: (N, M, M), 0..1, of the box.
        num_detections: what the graph claims; N when None.

    Rows from N on are padding as the API leaves it: box 0, score 0, class 1, mask 0.6.
    """
    masks = np.asarray(masks, np.float32)
    side = masks.shape[-1] if masks.size else 15
    rows = (boxes_yxyx_norm, (4,), 0), (scores, (), 0), (classes, (), 1), (masks, (side,) * 2, 0.6)
    values = [np.float32(len(scores) if num_detections is None else num_detections)]
    for value, shape, padding in rows:
        values.append(np.full((ROWS, *shape), padding, np.float32))
        values[-1][: len(scores)] = np.reshape(value, (-1, *shape))
    with _v1_graph():
        images = tf.placeholder(tf.uint8, [None, None, None, 3], "image_tensor")
        batch = tf.shape(images)[:1]  # an answer for each picture, so that pictures are needed
        outputs = [tf.tile(v[None], tf.concat([batch, [1] * v.ndim], 0)) for v in values]
        _write(pathlib.Path(folder), FROZEN, outputs)


@contextlib.contextmanager
def _v1_graph():
    """A new graph, with the control flow of 2018: Enter, Exit, Switch, Merge."""
    was_v2 = tf.control_flow_v2_enabled()
    tf.disable_control_flow_v2()
    try:
        with tf.Graph().as_default() as graph:
            yield graph
    finally:
        if was_v2:
            tf.enable_control_flow_v2()


def _write(folder, formats, outputs):
    """Name the outputs as the exporter did, and write the graph; weights are constants."""
    for name, value in zip(OUTPUTS, outputs, strict=True):
        tf.identity(value, name)
    graph = tf.get_default_graph().as_graph_def()
    graph = tf.graph_util.extract_sub_graph(graph, ["image_tensor", *OUTPUTS])
    folder.mkdir(parents=True, exist_ok=True)
    if FROZEN[0] in formats:
        (folder / FROZEN[0]).write_bytes(graph.SerializeToString(deterministic=True))
    if "saved_model/saved_model.pb" in formats:
        with tf.Graph().as_default(), tf.Session() as session:
            tf.import_graph_def(graph, name="")
            outputs = {name: session.graph.get_tensor_by_name(f"{name}:0") for name in OUTPUTS}
            inputs = {"inputs": session.graph.get_tensor_by_name("image_tensor:0")}
            tf.saved_model.simple_save(session, str(folder / "saved_model"), inputs, outputs)
        (folder / "saved_model" / "variables").mkdir(exist_ok=True)


class _Net:
    """Layers with random weights; a name that comes again means the same weights."""

    def __init__(self, session, rng, width):
        self.session, self.rng, self.width, self.weights = session, rng, width, {}
        noise = sum(  # large patches and, fainter, ever smaller ones: as far as nature goes
            np.kron(rng.normal(0, 90 / i, (2**i, 2**i, 3)), np.ones((256 >> i, 256 >> i, 1)))
            for i in range(1, 8)
        )
        noise = np.clip(128 + noise, 0, 255).astype(np.uint8)
        self.known = {"image_tensor:0": np.stack([noise, np.zeros_like(noise)])}

    def run(self, value):
        """The value of a tensor for the two pictures: (2, positions, channels)."""
        value = self.session.run(value, self.known)
        return value.reshape(2, -1, value.shape[-1]).astype(np.float64)

    def keep(self, *tensors):
        """Compute what these are for the two pictures, once."""
        self.known.update(zip(tensors, self.session.run(tensors, self.known), strict=True))

    def constant(self, name, make):
        """A weight as freezing leaves it: a constant and the `read` that was the variable's."""
        if name not in self.weights:
            value = tf.constant(np.asarray(make(), np.float32), name=name)
            self.weights[name] = tf.identity(value, f"{value.op.name}/read")
        return self.weights[name]

    def random(self, *shape):
        """Weights that keep the spread of what passes through them and a ReLU."""
        return self.rng.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape)

    def conv(self, x, name, channels, size=1, stride=1, multiplier=0):
        """Convolution, batch norm, ReLU; separable if it has a depth multiplier."""
        channels, depth = max(8, round(channels * self.width)), x.shape[-1]
        if multiplier:
            shape = size, size, depth, multiplier
            kernel = self.constant(f"{name}/depthwise_weights", lambda: self.random(*shape) / 2)
            x = tf.nn.depthwise_conv2d(x, kernel, [1, stride, stride, 1], "SAME")
            size, stride, depth = 1, 1, depth * multiplier
        shape = size, size, depth, channels
        kernel = self.constant(f"{name}/weights", lambda: self.random(*shape))
        x = tf.nn.conv2d(x, kernel, [1, stride, stride, 1], "SAME")
        norm = {"gamma": np.ones, "beta": np.zeros, "mean": np.zeros, "variance": np.ones}.items()
        norm = [self.constant(f"{name}/BatchNorm/{k}", lambda f=f: f(channels)) for k, f in norm]
        return tf.nn.relu(tf.nn.fused_batch_norm(x, *norm, epsilon=1e-3, is_training=False)[0])

    def blocks(self, x, table):
        """Inception blocks: branches of convolutions and one of pooling, joined."""
        for block, (stride, branches, kind, channels) in table.items():
            joined = []
            for i, branch in enumerate(branches):
                y = x
                for j, c in enumerate(branch):
                    size = 3 if j else 1, stride if j == len(branch) - 1 else 1
                    y = self.conv(y, f"{block}/Branch_{i}/{j}", c, *size)
                joined.append(y)
            y = tf.nn.pool(x, [3, 3], kind, "SAME", strides=[stride, stride])
            joined.append(self.conv(y, f"{block}/Branch_pool", channels) if channels else y)
            x = tf.concat(joined, 3)
        return x

    def head(self, x, name, channels, spread, size=1, background=None):
        """The last convolution: logits with mean 0 and a given spread on the picture of noise.

        With `background` channel 0 tells the black picture from the noise (by that many times the
        distance of the two), and the others are blind to what differs between the two.
        """
        weights = self.random(size, size, x.shape[-1], channels)
        if background:
            noise, black = self.run(x)
            away = black.mean(0) - noise.mean(0)
            weights -= np.multiply.outer(away, away @ weights[0, 0]) / (away @ away)
            weights[0, 0, :, 0] = away / (noise.var(0) + noise.var(0).mean())
        logits = self.run(tf.nn.conv2d(x, weights.astype(np.float32), 1, "SAME"))
        gain = spread / (logits[0].std(0) + 1e-6)
        bias = -logits[0].mean(0)
        if background:
            gain[0] = background / (logits[1].min(0)[0] + bias[0])
            bias[0] -= 1.5 / gain[0]
        bias *= gain
        # Rounded, so that the last bit of a sum in another order changes no weight.
        gain, bias = (np.float16(v).astype(np.float32) for v in (gain, bias))
        kernel = self.constant(f"{name}/weights", lambda: weights * gain)
        return tf.nn.conv2d(x, kernel, 1, "SAME") + self.constant(f"{name}/biases", lambda: bias)


def _model(net, num_classes, mask_size, sides, num_proposals, score_threshold):
    """The five outputs for what is fed as image_tensor, in the order of OUTPUTS."""
    images = tf.placeholder(tf.uint8, [None, None, None, 3], "image_tensor")
    batch = tf.shape(images)[0]
    with tf.name_scope("Preprocessor"):
        resized = _preprocess(tf.cast(images, tf.float32, "ToFloat"), sides)
    with tf.name_scope("FirstStageFeatureExtractor"):
        size = tf.shape(resized)[1:3]
        message = "image size must at least be 33 in both height and width."
        with tf.control_dependencies([tf.Assert(tf.reduce_all(size >= 33), [message])]):
            x = net.conv(resized, "Conv2d_1a_7x7", 64, 7, 2, multiplier=8)
        x = net.conv(tf.nn.max_pool2d(x, 3, 2, "SAME"), "Conv2d_2b_1x1", 64)
        x = tf.nn.max_pool2d(net.conv(x, "Conv2d_2c_3x3", 192, 3), 3, 2, "SAME")
        features = net.blocks(x, FIRST_STAGE)  # (B, height / 16, width / 16, 576)
        net.keep(size, features)
    with tf.name_scope("FirstStageBoxPredictor"):
        x = net.conv(features, "Conv", 512, 3)
        deltas = tf.reshape(net.head(x, "BoxEncoding", 4 * len(SHAPES), 1.0), [-1, 4])
        objectness_logits = net.head(x, "Class", 2 * len(SHAPES), 2.0)
        scores = tf.nn.softmax(tf.reshape(objectness_logits, [batch, -1, 2]))[..., 1:]
    with tf.name_scope("GridAnchorGenerator"):
        anchors = _anchors(tf.shape(features)[1:3], size, 256 * sides[0] / 800)
    with tf.name_scope("BatchMultiClassNonMaxSuppression"):
        boxes = _decode(deltas, tf.tile(anchors, [batch, 1]))
        boxes = tf.reshape(boxes, [batch, -1, 1, 4])
        proposals = _nms(boxes, scores, size, 0.7, 0.0, num_proposals)[1]
        net.keep(proposals)

    x = _second_stage(net, features, proposals)
    with tf.name_scope("SecondStageBoxPredictor"):
        x = tf.reduce_mean(x, [1, 2], keepdims=True, name="AvgPool")
        net.keep(x)
        spread = 9.6 / np.sqrt(2 * np.log(num_classes + 1))  # so that the highest is about 9.6
        class_logits = net.head(x, "ClassPredictor", num_classes + 1, spread, background=17.0)
        deltas = tf.reshape(net.head(x, "BoxEncodingPredictor", 4 * num_classes, 1.0), [-1, 4])
    with tf.name_scope("SecondStagePostprocessor"):
        class_logits = tf.reshape(class_logits, [batch, num_proposals, num_classes + 1])
        scores = tf.nn.softmax(class_logits)[..., 1:]
        anchors = proposals * tf.tile(tf.cast(size, tf.float32), [2])
        anchors = tf.tile(anchors[:, :, None], [1, 1, num_classes, 1])
        boxes = tf.reshape(_decode(deltas, tf.reshape(anchors, [-1, 4])), tf.shape(anchors))
        with tf.name_scope("BatchMultiClassNonMaxSuppression"):
            detections = _nms(boxes, scores, size, 0.6, score_threshold, ROWS)
    num_detections, boxes, scores, classes = detections

    x = _second_stage(net, features, boxes)
    with tf.name_scope("SecondStageBoxPredictor_1"):
        x = tf.image.resize_bilinear(x, [mask_size, mask_size])
        x = net.conv(x, "MaskPredictor/Conv", 256, 3)
        mask_logits = net.head(x, "MaskPredictor/Conv_1", num_classes, 2.0, size=3)
        mask_logits = tf.transpose(mask_logits, [0, 3, 1, 2])  # (B * 100, K, M, M)
    with tf.name_scope("SecondStagePostprocessor_1"):
        mask_logits = tf.reshape(mask_logits, [-1, mask_size, mask_size])
        own = tf.range(batch * ROWS) * num_classes + tf.cast(tf.reshape(classes, [-1]), tf.int32)
        masks = tf.reshape(tf.gather(mask_logits, own), [-1, ROWS, mask_size, mask_size])
    return num_detections, boxes, scores, classes + 1.0, tf.sigmoid(masks)


def _preprocess(images, sides):
    """Picture by picture in a v1 loop: sides to the limits, aspect kept, values -1..1."""

    def resize(image):
        with tf.name_scope("ResizeToRange"):
            low, high = (tf.constant(float(side)) for side in sides)
            size = tf.cast(tf.shape(image)[:2], tf.float32)
            large = tf.round(size * (low / tf.reduce_min(size)))
            small = tf.round(size * (high / tf.reduce_max(size)))
            size = tf.cond(tf.reduce_max(large) > high, lambda: small, lambda: large)
            return tf.image.resize_bilinear(image[None], tf.cast(size, tf.int32))[0]

    resized = tf.map_fn(resize, images)
    resized.set_shape([None, None, None, 3])
    return resized * (2.0 / 255.0) - 1.0


def _anchors(grid, size, base):
    """All anchors, (N, 4), [y1, x1, y2, x2], pixels, clipped to the picture."""
    y, x = (tf.cast(tf.range(grid[i]) * STRIDE, tf.float32) for i in (0, 1))
    centres = tf.stack(tf.meshgrid(y, x, indexing="ij"), -1)[:, :, None]
    half = tf.constant(SHAPES) * base / 2
    boxes = tf.concat([centres - half, centres + half], -1)
    limits = tf.tile(tf.cast(size, tf.float32), [2])
    return tf.reshape(tf.clip_by_value(boxes, 0.0, limits), [-1, 4])


def _decode(deltas, anchors):
    """(N, 4) moves and (N, 4) anchors to (N, 4) boxes."""
    centres, sizes = (anchors[:, :2] + anchors[:, 2:]) / 2, anchors[:, 2:] - anchors[:, :2]
    centres += deltas[:, :2] / 10 * sizes
    sizes *= tf.exp(deltas[:, 2:] / 5)
    return tf.concat([centres - sizes / 2, centres + sizes / 2], 1)


def _second_stage(net, features, boxes):
    """Features of each box, (B * 100, 4, 4, 1024)."""
    with tf.name_scope("CropAndResize"):
        batch, rows = tf.unstack(tf.shape(boxes)[:2])
        owner = tf.reshape(tf.tile(tf.range(batch)[:, None], [1, rows]), [-1])
        crops = tf.image.crop_and_resize(features, tf.reshape(boxes, [-1, 4]), owner, [14, 14])
    with tf.name_scope("SecondStageFeatureExtractor"):
        return net.blocks(tf.nn.max_pool2d(crops, 2, 2, "SAME"), SECOND_STAGE)


def _nms(boxes, scores, size, nms_iou, score_threshold, rows):
    """Boxes (B, N, K, 4) in pixels, scores (B, N, K) to the best `rows` of each picture.

    Returns num_detections (B,), boxes (B, rows, 4) as parts of the picture, scores (B, rows) and
    classes from 0 (B, rows), all padded with 0.
    """

    @tf.autograph.experimental.do_not_convert
    def one_picture(arguments):
        boxes, scores = arguments
        window = tf.concat([[0.0, 0.0], tf.cast(size, tf.float32)], 0)
        kept = []
        for k in range(scores.shape[-1]):
            with tf.name_scope("MultiClassNonMaxSuppression"):
                count = tf.shape(scores)[0]
                mine = tf.squeeze(tf.slice(scores, [0, k], [count, 1]), [1])
                mine = tf.squeeze(tf.slice(boxes, [0, k, 0], [count, 1, 4]), [1]), mine, float(k)
                kept.append(_one_class(*mine, window, nms_iou, score_threshold, rows))
        kept = [tf.concat(field, 0) for field in zip(*kept, strict=True)]
        with tf.name_scope("SortByField"):
            best = tf.nn.top_k(kept[1], tf.minimum(rows, tf.size(kept[1]))).indices
            kept = [tf.gather(field, best) for field in kept]
        with tf.name_scope("PadOrClipBoxList"):
            count = tf.size(best)
            for i, field in enumerate(kept):
                padding = [[0, rows - count]] + [[0, 0]] * (field.shape.rank - 1)
                kept[i] = tf.ensure_shape(tf.pad(field, padding), [rows, *field.shape[1:]])
        return tf.cast(count, tf.float32), *kept

    return tf.map_fn(one_picture, (boxes, scores), dtype=(tf.float32,) * 4)


def _one_class(boxes, scores, label, window, nms_iou, score_threshold, rows):
    """The boxes (N, 4) of one class above the score, inside the picture, not suppressed.

    Its steps are the API's, each with its own few nodes: 90 times these make the graph as large.
    """
    kept = boxes, scores, tf.zeros_like(scores) + label
    with tf.name_scope("FilterGreaterThan"):
        kept = _keep(scores > score_threshold, kept)
    with tf.name_scope("ClipToWindow"):
        top, left, bottom, right = tf.unstack(window)
        y1, x1, y2, x2 = tf.split(kept[0], 4, axis=1)
        y1, y2 = (tf.maximum(tf.minimum(y, bottom), top) for y in (y1, y2))
        x1, x2 = (tf.maximum(tf.minimum(x, right), left) for x in (x1, x2))
        boxes = tf.concat([y1, x1, y2, x2], 1)
        with tf.name_scope("Area"):
            y1, x1, y2, x2 = tf.split(boxes, 4, axis=1)
            area = tf.squeeze((y2 - y1) * (x2 - x1), [1])
        kept = _keep(area > 0, (boxes, *kept[1:]))
    with tf.name_scope("ChangeCoordinateFrame"):
        top, left, bottom, right = tf.unstack(window)
        y1, x1, y2, x2 = tf.split(kept[0] - tf.stack([top, left, top, left]), 4, axis=1)
        scale_y, scale_x = 1 / (bottom - top), 1 / (right - left)
        boxes = tf.concat([y1 * scale_y, x1 * scale_x, y2 * scale_y, x2 * scale_x], 1)
    with tf.name_scope("NonMaxSuppression"):
        limit = tf.minimum(rows, tf.shape(boxes)[0])
        best = tf.image.non_max_suppression(boxes, kept[1], limit, nms_iou)
        return [tf.gather(field, best) for field in (boxes, *kept[1:])]


def _keep(condition, fields):
    """The rows of each field where the condition holds."""
    rows = tf.cast(tf.reshape(tf.where(condition), [-1]), tf.int32)
    return [tf.gather(field, rows) for field in fields]
