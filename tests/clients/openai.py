"""Stands in for the Python package openai where it is not installed: as much of it as the example of docs/server.md uses."""

import json
import urllib.request
from types import SimpleNamespace


class OpenAI:
    def __init__(self, *, base_url, api_key):
        self._base_url, self._api_key = base_url, api_key
        self.completions = SimpleNamespace(create=self._create)

    def _create(self, **fields):
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._api_key}"}
        request = urllib.request.Request(f"{self._base_url}/completions", json.dumps(fields).encode(), headers)
        with urllib.request.urlopen(request) as response:
            return json.load(response, object_hook=lambda fields: SimpleNamespace(**fields))
