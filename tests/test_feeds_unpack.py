"""Archives: told by content, streamed, and refused in one line where something is wrong."""

from __future__ import annotations

import gzip
import io
import os
import struct
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
import zstandard

from pipeline.errors import RawFileError
from pipeline.feeds import list_formats, open_feed
from pipeline.feeds.unpack import unpacked
from pipeline.rules import FeedRules
from tests.shared_data import sample

RULES = FeedRules()
TEXT = b"".join(b"row %d of a text\n" % number for number in range(20_000))
LOG = b"\\s:a,c:1700000000*31\\!AIVDM,1,1,,A,,0*26\n"


def zipped(*members: tuple[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def zstd(content: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(content)


def write(folder: Path, content: bytes) -> Path:
    path = folder / "raw.dat"
    path.write_bytes(content)
    return path


def streams(path: Path, rules: FeedRules = RULES) -> dict[str, bytes]:
    found = {}
    with closing(unpacked(path, rules)) as members:
        for member in members:
            with member.open() as stream:
                found[member.name] = stream.read()
    return found


@pytest.mark.parametrize(
    "pack",
    [bytes, gzip.compress, zstd, lambda text: zipped(("a", text))],
    ids=["plain", "gzip", "zstd", "zip"],
)
def test_every_packing_gives_the_same_bytes(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    assert list(streams(write(tmp_path, pack(TEXT))).values()) == [TEXT]


def test_a_stream_can_be_opened_again(tmp_path: Path) -> None:
    path = write(tmp_path, zipped(("a", gzip.compress(TEXT))))
    with closing(unpacked(path, RULES)) as members:
        member = next(members)
        for _ in range(2):
            with member.open() as stream:
                assert stream.read(10) == TEXT[:10]


def test_gzip_and_zstd_of_several_pieces_are_read_to_the_end(tmp_path: Path) -> None:
    for pack in (gzip.compress, zstd):
        assert streams(write(tmp_path, pack(TEXT) + pack(b"more")))[""] == TEXT + b"more"


@pytest.mark.parametrize(
    ("packed", "names"),
    [
        (zipped(("b.csv.gz", gzip.compress(b"b")), ("a.csv", b"a")), ["a.csv", "b.csv.gz"]),
        (gzip.compress(zipped(("a", b"a"))), ["a"]),
        (zstd(zipped(("a", b"a"))), ["a"]),
        (zipped(("in.zip", zipped(("a", b"a")))), ["in.zip/a"]),
        (gzip.compress(gzip.compress(b"a")), [""]),
    ],
)
def test_one_further_level_is_read(packed: bytes, names: list[str], tmp_path: Path) -> None:
    found = streams(write(tmp_path, packed))
    assert list(found) == names
    assert all(content in (b"a", b"b") for content in found.values())


def test_members_without_rows_are_left_out(tmp_path: Path) -> None:
    packed = zipped(
        ("data/", b""),
        ("data/day.csv", b"x"),
        ("__MACOSX/data/._day.csv", b"resource fork"),
        ("data/.DS_Store", b"finder"),
        ("empty.csv", b""),
    )
    assert list(streams(write(tmp_path, packed))) == ["data/day.csv"]


def test_an_absolute_name_does_no_harm(tmp_path: Path) -> None:
    name = str(tmp_path / "written.csv")
    assert list(streams(write(tmp_path, zipped((name, b"x")))).values()) == [b"x"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["raw.dat"]


def test_the_sample_zip_with_an_absolute_name_is_read() -> None:
    (content,) = streams(sample("csv/gfw_pyseas_position_messages_201801.csv.zip")).values()
    assert len(content) == 2_136_425


def encrypted(content: bytes) -> bytes:
    """Return a zip whose members say that they are encrypted."""
    flagged = bytearray(zipped(("a", content)))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        flagged[flagged.index(mark) + at] |= 1
    return bytes(flagged)


def overlapping(content: bytes) -> bytes:
    """Return a zip whose two members are the same bytes."""
    packed = zipped(("a", content), ("b", content), how=zipfile.ZIP_STORED)
    start = packed.index(b"PK\x01\x02")
    first, second = packed[start:].split(b"PK\x01\x02")[1:]
    second, end = second[: len(first)], second[len(first) :]
    one = packed[: packed.index(b"PK\x03\x04", 4)]
    second = second[:38] + first[38:42] + second[42:]
    directory = b"PK\x01\x02" + first + b"PK\x01\x02" + second
    tail = bytearray(end)
    struct.pack_into("<I", tail, 16, len(one))
    return one + directory + bytes(tail)


@pytest.mark.parametrize(
    ("packed", "said"),
    [
        (b"", "is empty"),
        (gzip.compress(TEXT)[:-200], "truncated"),
        (gzip.compress(TEXT)[:9], "truncated"),
        (zstd(TEXT)[:-200], "truncated"),
        (zstd(TEXT)[:8], "truncated"),
        (zipped(("a", TEXT))[:-200], "damaged or truncated zip"),
        (gzip.compress(zipped(("a", TEXT))[:-200]), "damaged or truncated zip"),
        (zipped(("a.gz", gzip.compress(TEXT)[:-200])), "a.gz: is truncated"),
        (gzip.compress(TEXT) + b"garbage at the end", "cannot be unpacked"),
        (gzip.compress(TEXT)[:-8] + b"wrongsum", "cannot be unpacked"),
        (zstd(TEXT) + b"garbage at the end", "cannot be unpacked"),
        (zipped(("a", TEXT), how=zipfile.ZIP_STORED).replace(b"row 77 ", b"row 78 "), "CRC"),
        (zipped(("../a", TEXT)), "member ../a climbs out"),
        (zipped(("b/..\\..\\a", TEXT)), "climbs out"),
        (zipped(("/../a", TEXT), ("good", TEXT)), "climbs out"),
        (encrypted(TEXT), "member a is encrypted"),
        (overlapping(TEXT), "overlap"),
        (zipped(), "zip without data"),
        (zipped(("empty.csv", b"")), "zip without data"),
        (gzip.compress(gzip.compress(gzip.compress(TEXT))), "in an archive in an archive"),
        (b"BZh91AY&SY" + bytes(40), "is bzip2"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(40), "is 7-Zip"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(packed: bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(RawFileError) as caught:
        streams(write(tmp_path, packed))
    message = str(caught.value)
    assert said in message
    assert len(message) < 300
    assert message.isprintable()


@pytest.mark.parametrize("pack", [gzip.compress, zstd, lambda text: zipped(("a", text))])
def test_a_bomb_is_stopped_while_it_is_unpacked(
    pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path = write(tmp_path, pack(bytes(3_000_000)))
    rules = FeedRules(archive_max_ratio=50.0, archive_ratio_from_bytes=1_000_000)
    with closing(unpacked(path, rules)) as members, next(members).open() as stream:
        assert len(stream.read(500_000)) == 500_000
        with pytest.raises(RawFileError, match="more than 50 times its size"):
            stream.read()


def test_small_files_may_pack_well(tmp_path: Path) -> None:
    path = write(tmp_path, gzip.compress(bytes(900_000)))
    rules = FeedRules(archive_max_ratio=50.0, archive_ratio_from_bytes=1_000_000)
    assert streams(path, rules)[""] == bytes(900_000)


def test_a_bomb_in_two_levels_is_measured_against_the_outer_one(tmp_path: Path) -> None:
    path = write(tmp_path, gzip.compress(gzip.compress(bytes(30_000_000))))
    rules = FeedRules(archive_max_ratio=1000.0, archive_ratio_from_bytes=1_000_000)
    with pytest.raises(RawFileError, match="more than 1,000 times"):
        streams(path, rules)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RawFileError, match="is a folder"):
        streams(tmp_path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RawFileError, match="cannot be read: No such file"):
        streams(tmp_path / "none")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything: cannot make it unreadable")
def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, TEXT)
    path.chmod(0)
    with pytest.raises(RawFileError, match="cannot be read: Permission denied"):
        streams(path)


def test_an_unreadable_file_is_refused_for_root_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operating system's refusal is put in, as root can read everything."""
    path = write(tmp_path, TEXT)

    def refuse(self: Path, mode: str = "r") -> io.BufferedReader:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(RawFileError, match="cannot be read: Permission denied"):
        streams(path)


# --------------------------------------------------------------------------- open_feed


def read(path: Path) -> tuple[str, pl.DataFrame]:
    feed = open_feed(path, RULES)
    return feed.format, pl.concat([batch.reports for batch in feed.batches])


def test_members_of_a_zip_are_one_feed_with_running_rows(tmp_path: Path) -> None:
    packed = zipped(("b.nmea", 3 * LOG), ("a.nmea.gz", gzip.compress(2 * LOG)))
    name, reports = read(write(tmp_path, packed))
    assert name == "nmea"
    assert reports["row"].to_list() == [1, 2, 3, 4, 5]
    assert reports["rows"].to_list() == [1] * 5


def test_documentation_beside_the_data_is_left_out(tmp_path: Path) -> None:
    packed = zipped(
        ("README.txt", b"read me"),
        ("docs/licence", b"free"),
        ("manual.pdf", b"%PDF-1.7 \xff\xfe"),
        ("z.nmea", LOG),
    )
    assert read(write(tmp_path, packed))[1]["row"].to_list() == [1]


def test_documentation_that_is_data_is_data(tmp_path: Path) -> None:
    assert read(write(tmp_path, zipped(("readme.txt", LOG))))[1].height == 1


def test_any_other_unknown_member_refuses_the_zip(tmp_path: Path) -> None:
    feed = open_feed(write(tmp_path, zipped(("a.nmea", LOG), ("b.nmea", b"prose\n"))), RULES)
    with pytest.raises(RawFileError, match=r"^b\.nmea: no known feed format .* begins 'prose"):
        list(feed.batches)


def test_members_of_two_formats_refuse_the_zip(tmp_path: Path) -> None:
    table = b"mmsi,timestamp,longitude,latitude\n273000111,2023-05-01T00:00:00,50,41\n"
    feed = open_feed(write(tmp_path, zipped(("a.nmea", LOG), ("b.csv", table))), RULES)
    with pytest.raises(RawFileError, match=r"b\.csv: is .*, but the zip begins with nmea"):
        list(feed.batches)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"Dear colleague, the files follow.\n" * 9, "it begins 'Dear colleague"),
        (b"\x93\x00\x01\xff" * 9, r"it begins '\\x93\\x00"),
        (gzip.compress(b""), "is empty"),
        (zipped(("readme.txt", b"read me")), "no known feed format"),
    ],
)
def test_an_unknown_file_is_refused_at_once(content: bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(RawFileError, match=said):
        open_feed(write(tmp_path, content), RULES)


def test_a_truncated_log_is_told_while_it_is_read(tmp_path: Path) -> None:
    lines = b"".join(b"!AIVDM,1,1,,A,%d,0*26\n" % (number**5) for number in range(50_000))
    feed = open_feed(write(tmp_path, gzip.compress(LOG + lines)[:-4_000]), RULES)
    with pytest.raises(RawFileError, match="truncated"):
        list(feed.batches)


class Everything:
    """A mapping that takes every file."""

    name = "mine"
    title = needs = ""

    def recognises(self, head: bytes) -> bool:
        return bool(head)

    def read(self, stream: object, batch_rows: int) -> object:
        return iter(())


def test_a_mapping_is_tried_first(tmp_path: Path) -> None:
    assert open_feed(write(tmp_path, LOG), RULES, [Everything()]).format == "mine"  # pyright: ignore


def test_every_format_says_what_it_needs() -> None:
    formats = list_formats()
    assert formats[0][0] == "nmea"
    assert len({name for name, _, _ in formats}) == len(formats)
    assert all(title and needs for _, title, needs in formats)
