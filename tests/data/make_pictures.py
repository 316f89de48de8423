#!/usr/bin/env python3
"""Writes tests/data/pictures/: small pictures of every kind, and what they must be read as (expected.json).

    /usr/bin/python3 tests/data/make_pictures.py tests/data/pictures

Pillow 9.4 (Debian 12's python3-pil, libjpeg-turbo 2.1, libwebp 1.2) writes most files and reads them back: laid on white,
turned as EXIF says, as RGB and as L.  Kinds that Pillow does not write (16 bits of colour, Adam7, BMP top down) are written here
byte by byte from pixels that are known.  Resizes are Pillow's crop and resize.
"""
import hashlib
import io
import json
import pathlib
import struct
import sys
import zlib

from PIL import Image, ImageOps

W, H = 37, 29
out = pathlib.Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
expected = {"decode": [], "resize": []}


def pixel(x, y):
    """Smooth colour with two hard edges."""
    if 8 <= x < 16 and 6 <= y < 12:
        return (230, 30, 40)
    if (x - 26) ** 2 + (y - 18) ** 2 < 49:
        return (20, 90 + 3 * y, 220)
    return (x * 6 % 256, y * 8 % 256, (x * 3 + y * 4) % 256)


def scene(width=W, height=H):
    im = Image.new("RGB", (width, height))
    im.putdata([pixel(x, y) for y in range(height) for x in range(width)])
    return im


def on_white(im):
    if im.mode in ("LA", "RGBA") or "transparency" in im.info:
        im = im.convert("RGBA")
        back = Image.new("RGB", im.size, (255, 255, 255))
        back.paste(im.convert("RGB"), mask=im.getchannel("A"))
        return back
    return im.convert("RGB")


def sha(im):
    return hashlib.sha256(im.tobytes()).hexdigest()


def note(name, rgb):
    expected["decode"].append({"file": name, "width": rgb.width, "height": rgb.height, "rgb": sha(rgb), "grey": sha(rgb.convert("L"))})


def save(name, im, **options):
    im.save(out / name, **options)
    note(name, on_white(ImageOps.exif_transpose(Image.open(io.BytesIO((out / name).read_bytes())))))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(name, depth, color, rows, rgb, interlaced=False, extra=b""):
    """rows(step) gives the raw rows of one pass: x0, y0, dx, dy."""
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)] if interlaced else [(0, 0, 1, 1)]
    raw = b"".join(b"\0" + row for step in passes for row in rows(*step))
    head = struct.pack(">IIBBBBB", W, H, depth, color, 0, 0, int(interlaced))
    (out / name).write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b""))
    note(name, rgb)


def rows_of(value):
    return lambda x0, y0, dx, dy: [b"".join(value(x, y) for x in range(x0, W, dx)) for y in range(y0, H, dy) if x0 < W]


def made_by_hand():
    rgb = scene()
    png("adam7.png", 8, 2, rows_of(lambda x, y: bytes(pixel(x, y))), rgb, interlaced=True)
    sixteen = lambda x, y: [(c * 257 + (x * 11 + y * 7) % 300 - 150) for c in pixel(x, y)]
    clip = lambda v: min(max(v, 0), 65535)
    scaled = Image.new("RGB", (W, H))
    scaled.putdata([tuple((clip(v) * 255 + 32767) // 65535 for v in sixteen(x, y)) for y in range(H) for x in range(W)])
    png("rgb16.png", 16, 2, rows_of(lambda x, y: b"".join(struct.pack(">H", clip(v)) for v in sixteen(x, y))), scaled)
    grey = Image.new("L", (W, H))
    grey.putdata([scaled.getpixel((x, y))[1] for y in range(H) for x in range(W)])
    png("grey16.png", 16, 0, rows_of(lambda x, y: struct.pack(">H", clip(sixteen(x, y)[1]))), grey.convert("RGB"))
    white = Image.new("RGB", (W, H))
    key = pixel(9, 7)
    white.putdata([(255, 255, 255) if pixel(x, y) == key else pixel(x, y) for y in range(H) for x in range(W)])
    png("color_key.png", 8, 2, rows_of(lambda x, y: bytes(pixel(x, y))), white, extra=chunk(b"tRNS", struct.pack(">HHH", *key)))
    rows = b"".join(bytes((*reversed(pixel(x, y)), 7)) for y in range(H) for x in range(W))
    head = b"BM" + struct.pack("<IIIIiiHHIIiiII", 54 + len(rows), 0, 54, 40, W, -H, 1, 32, 0, 0, 0, 0, 0, 0)
    (out / "top_down32.bmp").write_bytes(head + rows)
    note("top_down32.bmp", rgb)


def written_by_pillow():
    rgb = scene()
    save("rgb.jpg", rgb, quality=85)
    save("rgb444.jpg", rgb, quality=92, subsampling=0)
    save("progressive.jpg", rgb, quality=80, progressive=True)
    save("grey.jpg", rgb.convert("L"), quality=85)
    save("cmyk.jpg", rgb.convert("CMYK"), quality=90)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        save(f"turned{orientation}.jpg", scene(19, 13), quality=90, exif=exif)
    save("rgb.png", rgb)
    save("grey.png", rgb.convert("L"))
    save("bits1.png", rgb.convert("1"))
    for bits in (1, 2, 4, 8):
        save(f"palette{bits}.png", rgb.quantize(2 ** bits), bits=bits)
    alpha = Image.new("L", (W, H))
    alpha.putdata([(x * 7 + y * 5) % 256 for y in range(H) for x in range(W)])
    with_alpha = rgb.copy()
    with_alpha.putalpha(alpha)
    save("rgba.png", with_alpha)
    grey_alpha = rgb.convert("L")
    grey_alpha.putalpha(alpha)
    save("grey_alpha.png", grey_alpha)
    save("palette_alpha.png", rgb.quantize(16), transparency=bytes(range(0, 256, 16)))
    save("lossy.webp", rgb, quality=80)
    save("lossless.webp", rgb, lossless=True)
    save("alpha.webp", with_alpha, lossless=True, exact=True)
    save("rgb24.bmp", rgb)
    save("palette8.bmp", rgb.quantize(200))
    save("grey8.bmp", rgb.convert("L"))
    save("rgb.ppm", rgb)
    save("grey.pgm", rgb.convert("L"))


def resizes():
    rgb = scene()
    boxes = [(0, 0, W, H), (3, 5, 30, 27), (10, 2, 11, 3)]
    for box in boxes:
        for size in ((8, 8), (W, 7), (9, H), (64, 51), (1, 1), (20, 40)):
            for name, kind in (("bilinear", Image.BILINEAR), ("area", Image.BOX)):
                for mode in ("RGB", "L"):
                    done = rgb.convert(mode).crop(box).resize(size, kind)
                    expected["resize"].append({"box": box, "size": size, "filter": name, "channels": len(mode) // 3 * 2 + 1, "sha": sha(done)})


def landscape():
    """What draw_augmentations draws; not read by the tests."""
    def at(x, y):
        if 20 <= x < 52 and 18 <= y < 50:
            return (226, 60, 48)
        if (x - 76) ** 2 + (y - 40) ** 2 < 18 ** 2:
            return (245, 200, 50)
        if y > 70 and abs(x - 56) < (y - 66) * 1.1:
            return (40, 130, 90)
        return (150 + x // 3, 190 + y // 4, 235 - y // 3)
    im = Image.new("RGB", (112, 112))
    im.putdata([at(x, y) for y in range(112) for x in range(112)])
    im.save(out / "scene.png")


landscape()
made_by_hand()
written_by_pillow()
resizes()
lines = {key: ",\n".join("  " + json.dumps(row) for row in rows) for key, rows in expected.items()}
(out / "expected.json").write_text("{" + ",\n".join(f'"{key}": [\n{text}\n]' for key, text in lines.items()) + "}\n")
