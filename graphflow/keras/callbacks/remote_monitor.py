"""The metrics of each epoch, posted to a server."""
from __future__ import annotations

import json

import numpy as np

from ...compiler.site import warn
from .callback import Callback, Logs


class RemoteMonitor(Callback):
    """POST to `root` + `path` after each epoch: the metrics as JSON, in the form field `field`, or as the body where
    `send_as_json`. A server that does not answer is a warning."""

    def __init__(self, root: str = "http://localhost:9000", path: str = "/publish/epoch/end/", field: str = "data",
                 headers: dict[str, str] | None = None, send_as_json: bool = False):
        super().__init__()
        self.root, self.path, self.field, self.headers = root, path, field, headers
        self.send_as_json = send_as_json

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        from urllib.parse import urlencode  # slow to import, and rarely needed
        from urllib.request import Request, urlopen
        values = {k: v.item() if isinstance(v, (np.ndarray, np.generic)) else v for k, v in (logs or {}).items()}
        body = json.dumps({"epoch": epoch, **values})
        kind = "application/json" if self.send_as_json else "application/x-www-form-urlencoded"
        data = (body if self.send_as_json else urlencode({self.field: body})).encode()
        try:
            with urlopen(Request(self.root + self.path, data, {"Content-Type": kind, **(self.headers or {})})):
                pass
        except OSError:
            warn(f"Could not reach RemoteMonitor root server at {self.root}")
