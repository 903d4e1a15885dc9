"""Decodes a PNG or a PDF with nothing but the standard library and prints what is in it as JSON.

    python read_picture.py FILE

PNG: width, height, the number of distinct colours, and the share of pixels of the most frequent one.
PDF: version, pages, the size of the page in points, and the characters that its fonts map to.
"""

import collections
import json
import re
import struct
import sys
import zlib


def read_png(data):
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    place, header, packed = 8, None, b""
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        kind, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        (checksum,) = struct.unpack(">I", data[place + 8 + length : place + 12 + length])
        assert checksum == zlib.crc32(kind + body), kind
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", body)
        elif kind == b"IDAT":
            packed += body
        place += 12 + length
    assert kind == b"IEND"
    width, height, depth, colour, _, _, interlace = header
    assert depth == 8 and colour in (2, 6) and interlace == 0, header
    size = 3 if colour == 2 else 4
    raw = zlib.decompress(packed)
    stride = width * size
    assert len(raw) == height * (stride + 1)
    above = bytearray(stride)
    colours = collections.Counter()
    for row in range(height):
        start = row * (stride + 1)
        line = bytearray(raw[start + 1 : start + 1 + stride])
        filter_type = raw[start]
        for i in range(stride):
            left = line[i - size] if i >= size else 0
            up = above[i]
            corner = above[i - size] if i >= size else 0
            if filter_type == 1:
                line[i] = (line[i] + left) & 255
            elif filter_type == 2:
                line[i] = (line[i] + up) & 255
            elif filter_type == 3:
                line[i] = (line[i] + (left + up) // 2) & 255
            elif filter_type == 4:
                guess = left + up - corner
                a, b, c = abs(guess - left), abs(guess - up), abs(guess - corner)
                best = left if a <= b and a <= c else up if b <= c else corner
                line[i] = (line[i] + best) & 255
        above = line
        colours.update(bytes(line[i : i + size]) for i in range(0, stride, size))
    most = colours.most_common(1)[0]
    return {
        "width": width,
        "height": height,
        "colours": len(colours),
        "background": most[0].hex(),
        "background_share": most[1] / (width * height),
    }


def read_pdf(data):
    version = re.match(rb"%PDF-(\d\.\d)", data).group(1).decode()
    assert data.rstrip().endswith(b"%%EOF")
    start = int(re.search(rb"startxref\s+(\d+)\s+%%EOF", data).group(1))
    assert re.match(rb"xref|\d+ \d+ obj", data[start : start + 20]), data[start : start + 20]
    text = data
    for match in re.finditer(rb"stream\r?\n", data):
        try:
            text += b"\n" + zlib.decompressobj().decompress(data[match.end() :])
        except zlib.error:
            pass  # not compressed
    box = [float(n) for n in re.search(rb"/MediaBox\s*\[([^\]]*)\]", text).group(1).split()]
    characters = set()
    for section in re.findall(rb"beginbf(?:char|range)(.*?)endbf", text, re.S):
        for line in section.splitlines():
            codes = re.findall(rb"<([0-9a-fA-F]+)>", line)
            if len(codes) == 2:
                characters.add(bytes.fromhex(codes[1].decode()).decode("utf-16-be"))
            elif len(codes) >= 3:
                characters.update(bytes.fromhex(c.decode()).decode("utf-16-be") for c in codes[2:])
    return {
        "version": version,
        "pages": len(re.findall(rb"/Type\s*/Page\b", text)),
        "width": box[2] - box[0],
        "height": box[3] - box[1],
        "characters": "".join(sorted(characters)),
        "has_date": b"/CreationDate" in text,
    }


with open(sys.argv[1], "rb") as file:
    content = file.read()
print(json.dumps(read_pdf(content) if content[:4] == b"%PDF" else read_png(content)))
