"""A coverage-guided fuzzer over bytes, a target for every reader (`make fuzz`).

    python -m tests.fuzz_feeds --seconds 60                 every target, one after the other
    python -m tests.fuzz_feeds nmea parquet --seconds 300   some of them

Each target starts from the sound files of tests/hostile_samples.py, is steered by atheris
(libFuzzer) through the branches of pipeline/, and holds every outcome against the contract in
hostile_samples. An input that breaks it is kept as <out>/<target>/crash-*, reading goes on;
a hang or too much memory ends the target. Exit code 1 where anything was found.

atheris is needed only here: `python -m pip install atheris`.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import importlib.util
import io
import os
import re
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
HANG_S = 60
MOST_MB = 4_096
LONGEST_INPUT_BYTES = 16 * 1024
BATCH_ROWS = 7
SETTINGS = (
    *("mapping.toml", "rules.toml", "registry.csv", "areas.toml", "areas.geojson"),
    *("confirmations.csv", "reviews.csv", "watch_list.csv"),
)


def targets() -> list[str]:
    """Return the names of all targets: formats, archives, users' files."""
    from tests.hostile_samples import FORMATS

    return [*FORMATS, "archives", *SETTINGS]


def seeds_of(target: str) -> list[bytes]:
    """Return the sound inputs that fuzzing a target starts from."""
    import zstandard

    from tests import hostile_samples as samples

    if target in samples.SEEDS:
        return samples.SEEDS[target]
    if target in SETTINGS:
        return samples.SETTINGS[target]
    csv = samples.SEEDS["canonical"][0]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", csv)
        archive.writestr("b.csv.gz", gzip.compress(csv))
        archive.writestr("readme.txt", b"read me")
    return [buffer.getvalue(), gzip.compress(csv), zstandard.ZstdCompressor().compress(csv)]


def checker_of(target: str, folder: Path) -> Callable[[bytes], None]:
    """Return the function that reads some bytes and raises where the contract is broken."""
    from tests import hostile_samples as samples

    if target in SETTINGS:
        return lambda raw: samples.hold_settings(target, raw, folder)
    path = folder / "raw.dat"
    feed = samples.FORMATS.get(target)

    def check(raw: bytes) -> None:
        path.write_bytes(raw)
        read = samples.read_path(path, BATCH_ROWS)
        if read.format is None and feed is not None:
            samples.read_directly(feed, raw, BATCH_ROWS)

    return check


# ------------------------------------------------------------------------------ one target


def fuzz(target: str, seconds: int, out: Path, seed: int) -> None:
    """Fuzz one target in this process, which libFuzzer ends."""
    import atheris

    with atheris.instrument_imports(include=["pipeline"]):
        from tests import hostile_samples

    assert hostile_samples
    warnings.simplefilter("error")
    kept = out / target
    corpus = kept / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for content in seeds_of(target):
        (corpus / hashlib.sha1(content).hexdigest()).write_bytes(content)
    scratch = Path(tempfile.mkdtemp(prefix="darkport-fuzz-"))
    check, found = checker_of(target, scratch), set[str]()

    def one(raw: bytes) -> None:
        try:
            check(raw)
        except BaseException as error:  # a panic of polars is no Exception
            if isinstance(error, KeyboardInterrupt):
                raise
            name = signature_of(error)
            if name not in found:
                found.add(name)
                (kept / f"crash-{hashlib.sha1(name.encode()).hexdigest()[:12]}").write_bytes(raw)
                print(f"CRASH {target}: {name}", flush=True)

    arguments = [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST_INPUT_BYTES}",
        f"-timeout={HANG_S}",
        f"-rss_limit_mb={MOST_MB}",
        f"-artifact_prefix={kept}/",
        f"-seed={seed}",
        "-print_final_stats=1",
        str(corpus),
    ]
    atheris.Setup([sys.argv[0], *arguments], one)
    atheris.Fuzz()


def signature_of(error: BaseException) -> str:
    """Return kind and place of an error, so that each is told once."""
    chain = [error, error.__cause__] if error.__cause__ else [error]
    frames = [frame for one in chain for frame in traceback.extract_tb(one.__traceback__)]
    own = [frame for frame in frames if "/pipeline/" in frame.filename] or frames
    cause = chain[-1]
    line = re.sub(r"\d+", "0", str(cause).splitlines()[0] if str(cause) else "")[:160]
    return f"{type(cause).__name__} {Path(own[-1].filename).name}:{own[-1].lineno} {line}"


# ------------------------------------------------------------------------------ all of them


def main() -> int:
    """Fuzz the named targets, each in a process of its own; return 1 where anything was found."""
    parser = argparse.ArgumentParser(description="Fuzz the readers of raw files and users' files.")
    parser.add_argument("targets", nargs="*", help="default: all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=None, help="where inputs are kept")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("fuzzing needs atheris, which is not installed here: python -m pip install atheris")
        return 2
    out = given.out or Path(tempfile.gettempdir()) / "darkport-fuzz"
    if given.alone:
        fuzz(given.targets[0], given.seconds, out, given.seed)
        return 0
    known = targets()
    if unknown := set(given.targets) - set(known):
        print(f"no target {', '.join(sorted(unknown))}; there are {', '.join(known)}")
        return 2
    failed = [
        name
        for name in given.targets or known
        if not run_alone(name, given.seconds, given.seed, out)
    ]
    print(f"inputs are kept in {out}")
    return 1 if failed else 0


def run_alone(target: str, seconds: int, seed: int, out: Path) -> bool:
    """Fuzz a target in a process of its own, print its figures; say whether nothing was found."""
    started = time.monotonic()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.fuzz_feeds", target, "--alone"),
            *("--seconds", str(seconds), "--seed", str(seed), "--out", str(out)),
        ],
        cwd=REPOSITORY,
        env={**os.environ, "POLARS_MAX_THREADS": "1", "RUST_BACKTRACE": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    (out / target).mkdir(parents=True, exist_ok=True)
    (out / target / "log").write_text(done.stdout)
    runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", done.stdout)
    peak = re.search(r"stat::peak_rss_mb:\s*(\d+)", done.stdout)
    crashes = re.findall(r"^CRASH .*$", done.stdout, re.MULTILINE)
    print(
        f"{target}: {runs[1] if runs else '?'} executions in {time.monotonic() - started:.0f} s, "
        f"peak {peak[1] if peak else '?'} MB, {len(crashes)} crashes, exit code {done.returncode}",
        *crashes,
        sep="\n  ",
        flush=True,
    )
    return not crashes and done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
