"""A reader of 8-bit RGB pictures in PNG (ISO/IEC 15948) that checks what it reads."""
import struct
import zlib

# The ends of the colour map of slice_picture.c.
DARKEST = (0, 0, 4)
BRIGHTEST = (252, 255, 164)


def read(path):
    """(width, height, rows of RGB bytes); raises ValueError where the file breaks a rule."""
    data = path.read_bytes()
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError(f"{path}: no PNG signature")
    at, kinds, packed, header = 8, [], b"", None
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        (crc,) = struct.unpack(">I", data[at + 8 + length:at + 12 + length])
        if zlib.crc32(kind + body) != crc:
            raise ValueError(f"{path}: chunk {kind} has a wrong checksum")
        kinds.append(kind)
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", body)
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    if kinds[0] != b"IHDR" or kinds[-1] != b"IEND" or header[2:] != (8, 2, 0, 0, 0):
        raise ValueError(f"{path}: chunks {kinds}, header {header}")
    width, height = header[:2]
    raw = zlib.decompress(packed)
    stride = 1 + 3 * width
    if len(raw) != stride * height:
        raise ValueError(f"{path}: {len(raw)} bytes for {width} x {height} pixels")
    rows = [raw[y * stride:(y + 1) * stride] for y in range(height)]
    if any(row[0] != 0 for row in rows):
        raise ValueError(f"{path}: a row has a filter this reader does not know")
    return width, height, [row[1:] for row in rows]
