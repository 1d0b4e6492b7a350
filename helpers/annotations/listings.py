"""What annotation files say of one picture, and which of them is right if there are several."""


class Listing:
    """What one entry of an annotation file says of a picture.

    Args:
        picture: `records.Picture`.
        size: (height, width) of the picture, upright.
        closeness: of the picture to the file, see `finding.Found`.

    Attributes:
        names, codes, is_crowd: class name, RLE and kind of each object.
        keys: {(name, runs)}, to compare with.
    """

    def __init__(self, picture, size, closeness):
        self.picture, self.size, self.closeness = picture, size, closeness
        self.names, self.codes, self.is_crowd = [], [], []
        self.keys = set()

    def add(self, name, code, is_crowd):
        """Take an object in; False if it is there already."""
        key = name, bytes(code["counts"])
        if key in self.keys:
            return False
        self.keys.add(key)
        self.names.append(name)
        self.codes.append(code)
        self.is_crowd.append(is_crowd)
        return True


def chosen(path, listings, report):
    """The listing to believe.

    A picture belongs to the file that is closest to it. What is listed again must say the same, or
    no more if it is in another file: else nobody knows which objects are the picture's own.

    Args:
        path: of the picture.
        listings: list of Listing, not empty.
        report: called with (file, what, object, picture, fixed).

    Returns:
        Listing, or None if none can be believed.
    """
    closest = max(listing.closeness for listing in listings)
    near = [listing for listing in listings if listing.closeness == closest]
    for listing in listings:
        if listing.closeness < closest:
            what = f"is that of {near[0].picture.file.name}, which lies closer to it"
            report(listing.picture.file, what, None, listing.picture.name)
    fullest = max(near, key=lambda listing: len(listing.keys))
    others = [listing for listing in near if listing is not fullest]
    for other in others:
        file, name = other.picture.file, other.picture.name
        is_other_file = file != fullest.picture.file
        where = f"in {fullest.picture.file.name}, too" if is_other_file else "twice"
        is_part = is_other_file and other.keys <= fullest.keys
        if other.keys != fullest.keys and not is_part:
            what = f"is listed {where}, with other objects: nobody knows which are its own"
            report(file, what, None, name)
            return None
        report(file, f"is listed {where}, and nothing else is said", None, name, True)
    return fullest
