"""Serve the parquet files of a folder as the repository `TwinkStart/librispeech`; prints its environment, then waits.

Ends when its standard input is closed.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "unit"))

from hub_server import COMMIT_1, HubServer, Repository

folder, home = Path(sys.argv[1]), Path(sys.argv[2])
files = {f"data/{path.name}": path.read_bytes() for path in sorted(folder.glob("*.parquet"))}
with HubServer({"TwinkStart/librispeech": Repository({COMMIT_1: files}, {"main": COMMIT_1})}) as hub:
    print(json.dumps(hub.environment(home)), flush=True)
    sys.stdin.read()
    print(json.dumps({"sent": hub.sent_of(".parquet")}), flush=True)
