"""Label maps, the `.pbtxt` files of the Object Detection API: which id has which name."""

import functools
import pathlib

from helpers.structures import InputError

# The part of the API's string_int_label_map.proto that is needed, as protobuf describes it.
SCHEMA = """
name: "pixelwise/label_map.proto"
package: "pixelwise"
message_type {
  name: "Item"
  field { name: "name" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
  field { name: "id" number: 2 label: LABEL_OPTIONAL type: TYPE_INT32 }
  field { name: "display_name" number: 3 label: LABEL_OPTIONAL type: TYPE_STRING }
}
message_type {
  name: "LabelMap"
  field {
    name: "item" number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".pixelwise.Item"
  }
}
"""


def read_label_map(path) -> dict[int, str]:
    """{id: name} of a label map, by id; `display_name` counts more than `name`.

    Raises:
        InputError: the file cannot be read, holds no item, or an item has no id or no name.
    """
    from google.protobuf import text_format

    try:
        text = pathlib.Path(path).read_text(encoding="utf-8")
        # Other fields, such as keypoints, are passed over.
        label_map = text_format.Parse(text, _label_map_class()(), allow_unknown_field=True)
    except (OSError, ValueError, RecursionError, text_format.ParseError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: cannot be read as a label map ({reason})") from None

    names = {}
    for number, item in enumerate(label_map.item, start=1):
        name = item.display_name or item.name
        if item.id < 1 or not name:
            raise InputError(f"{path}: item {number} needs an id (a number) and a name (in quotes)")
        if item.id in names:
            raise InputError(f"{path}: the id {item.id} stands there twice")
        names[item.id] = name
    if not names:
        raise InputError(f"{path}: no item {{ id: 1 name: 'cat' }} in it: this is no label map")
    return dict(sorted(names.items()))


def find_label_map(graph) -> pathlib.Path | None:
    """The `.pbtxt` in a model's own folder, one called label map first."""
    for folder in own_folders(graph):
        maps = [path for path in folder.glob("*.pbtxt") if b"item" in path.read_bytes()]
        maps.sort(key=lambda path: ("label" not in path.name, path.name))
        if maps:
            return maps[0]
    return None


def own_folders(graph) -> list[pathlib.Path]:
    """The folder of a graph, and that above if the first is only a part of a model's.

    Such are `saved_model/` and, in the layout of TensorFlow Hub and of servers, a version: `1/`.
    """
    folder = graph.parent
    is_part = folder.name == "saved_model" or folder.name.isdecimal()
    return [folder, folder.parent] if is_part else [folder]


@functools.cache
def _label_map_class():
    """The class of messages that a label map is."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

    schema = text_format.Parse(SCHEMA, descriptor_pb2.FileDescriptorProto())
    pool = descriptor_pool.DescriptorPool()
    pool.Add(schema)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("pixelwise.LabelMap"))
