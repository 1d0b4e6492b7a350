"""The text of an annotation file, whatever encoding it is surely in."""

import codecs
import re

from helpers.annotations.records import Left

DECLARED = re.compile(rb"""<\?xml[^>]*?encoding=["']([\w.-]+)["']""")
WITH_MARK = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def text_of(path):
    """The text of a file in UTF-8, in UTF-16 with its mark, or in what its XML head declares.

    Nobody can tell GBK from Big5 or Latin-1 for sure, and a wrong guess makes other class names.

    Args:
        path: Path.

    Raises:
        Left: it is in none of them.
    """
    data = path.read_bytes()
    declared = DECLARED.match(data)
    encoding = "utf-8-sig"
    if data.startswith(WITH_MARK):
        encoding = "utf-16"
    elif declared:
        encoding = declared[1].decode()
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        name = encoding.removesuffix("-sig").upper()
        raise Left(f"is not text in {name}: save it as UTF-8") from None
