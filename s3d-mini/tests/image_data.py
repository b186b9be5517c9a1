"""A reader of VTK image files (.vti) with raw appended arrays, as strict as ParaView's: VTK file formats, version 1.0."""
import array
import re
import struct
import sys
import xml.etree.ElementTree

FORMATS = {"Float32": ("f", 4), "Float64": ("d", 8)}
COUNTS = {"UInt32": ("<I", 4), "UInt64": ("<Q", 8)}


def numbers(text, kind):
    return [kind(word) for word in text.split()]


def read(path):
    """(points in each direction, spacing, {array name: values}, time); raises ValueError where the file breaks a rule."""
    data = path.read_bytes()
    found = re.search(rb"<AppendedData\s+encoding=\"raw\">\s*_", data)
    end = data.rfind(b"</AppendedData>")
    if not found or end < found.end():
        raise ValueError(f"{path}: no raw AppendedData")
    # The raw bytes are no XML; what surrounds them is.
    root = xml.etree.ElementTree.fromstring(data[:found.end() - 1] + data[end:])
    appended = data[found.end():end]
    if root.tag != "VTKFile" or root.get("type") != "ImageData" or root.get("byte_order") != "LittleEndian":
        raise ValueError(f"{path}: VTKFile has {root.attrib}")
    count_format, count_size = COUNTS[root.get("header_type")]
    image = root.find("ImageData")
    extent = numbers(image.get("WholeExtent"), int)
    spacing = numbers(image.get("Spacing"), float)
    if numbers(image.get("Origin"), float) != [0, 0, 0] or min(spacing) <= 0 or extent[0::2] != [0, 0, 0]:
        raise ValueError(f"{path}: ImageData has {image.attrib}")
    points = [last + 1 for last in extent[1::2]]
    piece = image.find("Piece")
    if numbers(piece.get("Extent"), int) != extent:
        raise ValueError(f"{path}: a piece is not the whole")
    number = points[0] * points[1] * points[2]
    arrays, at = {}, 0
    for item in piece.find("PointData"):
        code, size = FORMATS[item.get("type")]
        if item.get("format") != "appended" or int(item.get("offset")) != at or item.get("Name") in arrays:
            raise ValueError(f"{path}: {item.attrib} where offset {at} and a new name are due")
        (length,) = struct.unpack_from(count_format, appended, at)
        if length != number * size:
            raise ValueError(f"{path}: {item.get('Name')} has {length} bytes for {number} points")
        values = array.array(code)
        values.frombytes(appended[at + count_size:at + count_size + length])
        if sys.byteorder != "little":
            values.byteswap()
        arrays[item.get("Name")] = values
        at += count_size + length
    if appended[at:].strip():
        raise ValueError(f"{path}: {len(appended) - at} bytes after the last array")
    if piece.find("PointData").get("Scalars") not in arrays:
        raise ValueError(f"{path}: PointData's Scalars is no array")
    (time,) = [float(item.text) for item in image.iter("DataArray") if item.get("Name") == "TimeValue"]
    return points, spacing, arrays, time
