"""Object storage at both ends of a night: raw files fetched, outputs pushed.

The shelf and the outputs stay on a disk: they stand on renames, links and a lock.

addresses     URLs, and what of them may be shown
places        a folder of objects, through pyarrow's file systems
names         which names of objects may become names of files
plan          what a listing asks for
fetch         a folder here made like a folder of objects there
pushed_files  which files are pushed, and the names of their objects
push          outputs copied, and the one object whose replacement publishes them
"""

from pipeline.remote.addresses import Address, is_url, read_address
from pipeline.remote.fetch import Fetched, fetch_raw
from pipeline.remote.places import Place, open_place
from pipeline.remote.push import POINTER, Pushed, push_outputs

__all__ = [
    "POINTER",
    "Address",
    "Fetched",
    "Place",
    "Pushed",
    "fetch_raw",
    "is_url",
    "open_place",
    "push_outputs",
    "read_address",
]
