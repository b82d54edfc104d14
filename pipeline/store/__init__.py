"""The only disk and DuckDB: every file is written here, sorted, in fixed row groups.

files      raw files found; tables written and read
database   the analysts' database
lock       one writer at a time
scratch    frames that wait between two steps of a run
shelf      finished intermediate results, by what they were made from
staged     what one raw file left
outputs    generations of outputs; publishing
faults     a full disk or a lost permission, in one line
"""

from pipeline.schema import TABLES
from pipeline.store.database import (
    DATABASE,
    STORAGE_VERSION,
    comment_tables,
    finish_build,
    list_examples,
    load_table,
    make_views,
    open_build,
    open_database,
    quoted_name,
    quoted_text,
    read_relation,
    run_example,
    run_query,
    settings_for,
)
from pipeline.store.faults import storing
from pipeline.store.files import (
    FORMULA_STARTS,
    ROW_GROUP_SIZE,
    find_parts,
    find_raw_files,
    hash_file,
    is_whole_parquet,
    read_manifest,
    read_parquet,
    read_table,
    remove_tree,
    table_path,
    validate,
    write_csv,
    write_geoparquet,
    write_json,
    write_parquet,
    write_table,
    write_table_part,
)
from pipeline.store.lock import hold_lock, look_at_lock
from pipeline.store.outputs import Outputs
from pipeline.store.scratch import Scratch, write_scratch
from pipeline.store.shelf import Shelf
from pipeline.store.staged import StagedFile, read_staged

__all__ = [
    "DATABASE",
    "FORMULA_STARTS",
    "ROW_GROUP_SIZE",
    "STORAGE_VERSION",
    "TABLES",
    "Outputs",
    "Scratch",
    "Shelf",
    "StagedFile",
    "comment_tables",
    "find_parts",
    "find_raw_files",
    "finish_build",
    "hash_file",
    "hold_lock",
    "is_whole_parquet",
    "list_examples",
    "load_table",
    "look_at_lock",
    "make_views",
    "open_build",
    "open_database",
    "quoted_name",
    "quoted_text",
    "read_manifest",
    "read_parquet",
    "read_relation",
    "read_staged",
    "read_table",
    "remove_tree",
    "run_example",
    "run_query",
    "settings_for",
    "storing",
    "table_path",
    "validate",
    "write_csv",
    "write_geoparquet",
    "write_json",
    "write_parquet",
    "write_scratch",
    "write_table",
    "write_table_part",
]
