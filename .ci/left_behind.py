"""Whether a run of the tests has left something behind: processes that it started, files in its temporary folder.

left_behind.py RUN FOLDER: the processes are known by GAINSIGHT_DEST_RUN=RUN in their environment.
"""

import sys
from pathlib import Path

run, folder = sys.argv[1:]
mark = f"GAINSIGHT_DEST_RUN={run}".encode()
left = []
for process in Path("/proc").glob("[0-9]*"):
    try:
        if mark in (process / "environ").read_bytes().split(b"\0"):
            command = (process / "cmdline").read_text("utf8", "replace").replace("\0", " ")
            left.append(f"process {process.name}: {command}")
    except OSError:  # it has ended meanwhile, or is somebody else's
        continue
left += [str(path) for path in Path(folder).rglob("*") if not path.is_dir()]
sys.exit("\n".join(["left behind:", *left]) if left else 0)
