"""PNG, JPEG, TIFF and BMP files with tokens in everything that is not picture."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin, TiffImagePlugin

from tests.canary.plant_streams import segment

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.canary.plant_tokens import Tokens


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def profile(tokens: Tokens, where: str) -> bytes:
    """A colour profile with a token at its end and one in its description."""
    data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    told = tokens.text(f"{where} profile description").encode()
    place = data.index("sRGB".encode("utf-16-be"))
    wide = told[:4].decode().encode("utf-16-be")
    return data[:place] + wide + data[place + len(wide) :] + told


def exif(tokens: Tokens, where: str, picture: Image.Image) -> bytes:
    """Tags of every directory, in ASCII and in UTF-16, and a thumbnail with a comment."""
    made = Image.Exif()
    for tag in (0x010E, 0x010F, 0x0110, 0x0131, 0x013B, 0x8298):
        made[tag] = tokens.text(f"{where} tag {tag:04X}")
    for tag in (0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F):
        made[tag] = tokens.text(f"{where} tag {tag:04X}").encode("utf-16-le") + b"\0\0"
    inner = made.get_ifd(0x8769)
    for tag in (0x9286, 0x927C, 0xA420, 0xA431, 0xA430):
        inner[tag] = tokens.text(f"{where} tag {tag:04X}")
    made.get_ifd(0x8825)[0x001B] = tokens.text(f"{where} GPS").encode()
    small = BytesIO()
    picture.resize((16, 16)).save(small, "JPEG", comment=tokens.text(f"{where} thumbnail"))
    return made.tobytes() + small.getvalue()


def xmp(tokens: Tokens, where: str) -> bytes:
    told = "".join(f"&#{ord(sign)};" for sign in tokens.text(f"{where} XMP in entities"))
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f"<rdf:Description>{tokens.text(f'{where} XMP')} {told}</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def png(picture: np.ndarray, tokens: Tokens) -> bytes:
    image = Image.fromarray(picture)
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", tokens.text("PNG tEXt"))
    info.add_text("Patient", tokens.text("PNG zTXt"), zip=True)
    info.add_itxt("Title", tokens.text("PNG iTXt"), "de", tokens.text("PNG iTXt keyword"), zip=True)
    info.add_text(tokens.text("PNG keyword"), "x")
    stream = BytesIO()
    image.save(stream, "PNG", pnginfo=info, exif=exif(tokens, "PNG", image), icc_profile=profile(tokens, "PNG"))
    data = stream.getvalue()
    more = chunk(b"sPLT", tokens.text("PNG sPLT").encode() + b"\0\x08" + bytes(6))
    more += chunk(b"prVt", tokens.text("PNG private").encode())
    more += chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp(tokens, "PNG"))
    more += chunk(b"tIME", b"\x07\xdb\x03\x04\x05\x06\x07")
    place = data.index(b"IDAT") - 4
    end = data.index(b"IEND") - 4
    body = data[place:end]
    spare = chunk(b"IDAT", tokens.text("PNG behind the stream").encode())
    text = chunk(b"tEXt", b"Late\0" + tokens.text("PNG late tEXt").encode())
    return data[:place] + more + body + spare + text + data[end:] + tokens.text("PNG behind IEND").encode()


def jpeg(picture: np.ndarray, tokens: Tokens) -> bytes:
    image = Image.fromarray(picture)
    stream = BytesIO()
    image.save(
        stream,
        "JPEG",
        quality=95,
        exif=exif(tokens, "JPEG", image),
        icc_profile=profile(tokens, "JPEG"),
        comment=tokens.text("JPEG COM"),
    )
    data = stream.getvalue()
    more = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp(tokens, "JPEG"))
    iptc = b"\x1c\x02\x78" + struct.pack(">H", 10) + tokens.text("JPEG IPTC").encode()
    more += segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(iptc)) + iptc)
    more += segment(0xEC, tokens.text("JPEG APP12").encode())
    return data[:2] + more + data[2:] + tokens.text("JPEG behind EOI").encode() + data


def tiff(picture: np.ndarray, tokens: Tokens) -> bytes:
    image = Image.fromarray(picture)
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for tag in (270, 271, 272, 305, 306, 315, 316, 33432, 65000, 65001):
        tags[tag] = tokens.text(f"TIFF tag {tag}")
        tags.tagtype[tag] = 2
    stream = BytesIO()
    image.save(stream, "TIFF", tiffinfo=tags, icc_profile=profile(tokens, "TIFF"))
    return stream.getvalue() + tokens.text("TIFF behind the end").encode()


def two_pages(picture: np.ndarray, tokens: Tokens) -> bytes:
    """A second page whose pixels spell a token."""
    image = Image.fromarray(picture)
    spelt = np.frombuffer(tokens.text("TIFF page 2").encode() * 40, np.uint8).reshape(10, 40)
    stream = BytesIO()
    image.save(stream, "TIFF", save_all=True, append_images=[Image.fromarray(np.ascontiguousarray(spelt))])
    return stream.getvalue()


def bmp(picture: np.ndarray, tokens: Tokens) -> bytes:
    """Text in the unused bytes of the header, in a gap before the pixels, and behind them."""
    stream = BytesIO()
    Image.fromarray(picture).convert("RGB").save(stream, "BMP")
    data = stream.getvalue()
    start = struct.unpack_from("<I", data, 10)[0]
    gap = tokens.text("BMP gap").encode().ljust(12, b"\0")
    head = data[:6] + b"QXZJ" + struct.pack("<I", start + len(gap)) + data[14:start]
    return head + gap + data[start:] + tokens.text("BMP behind the end").encode()


def gif(picture: np.ndarray, tokens: Tokens) -> bytes:
    """Of a kind that is not read."""
    stream = BytesIO()
    Image.fromarray(picture).save(stream, "GIF", comment=tokens.text("GIF comment").encode())
    return stream.getvalue()


MAKERS: Final[dict[str, Callable[[np.ndarray, Tokens], bytes]]] = {
    "png": png,
    "jpg": jpeg,
    "tiff": tiff,
    "two.tif": two_pages,
    "bmp": bmp,
    "gif": gif,
}
