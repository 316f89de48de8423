"""What tests over HTTP share: a form with files, and an answer that was read."""
import json


def form(parts):
    """parts: (name, file name or None, bytes)"""
    out = b""
    for name, filename, data in parts:
        file = f'; filename="{filename}"' if filename else ""
        out += f'--XX\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + data + b"\r\n"
    return out + b"--XX--\r\n", {"Content-Type": "multipart/form-data; boundary=XX"}


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.raw = response.status, response.headers, response.read()
        self.text = self.raw.decode("utf-8", "replace")

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def code(self):
        return self.json["error"]["code"]

    @property
    def events(self):
        """of a stream, without its [DONE]"""
        lines = [line[6:] for line in self.text.splitlines() if line.startswith("data: ")]
        assert lines[-1] == "[DONE]", self.text
        return [json.loads(line) for line in lines[:-1]]
