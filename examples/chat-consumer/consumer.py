#!/usr/bin/env python3
"""Tells a chat what happens to requests: a receiver of airlock's events (docs/EVENTS.md) of some ninety lines.

Usage: consumer.py PORT KEY_FILE STATE_FILE CHAT_URL

KEY_FILE is the one that events.webhook_secret_file names. CHAT_URL is an incoming webhook as Slack, Mattermost, Rocket.Chat and Teams
have it: it takes {"text": "…"}. STATE_FILE keeps what was told already, so that an event which comes twice is told once.
"""
import base64
import hashlib
import hmac
import json
import sqlite3
import sys
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

OLDEST_S = 300
BODY_MAX = 1024 * 1024
WORDS = {
    "in_review": "waits for a review",
    "approved": "was approved",
    "rejected": "was rejected",
    "blocked_by_scan": "was blocked by a security gate",
    "failed": "failed, and waits for an operator",
    "revoked": "was taken back",
}


def read_keys(file):
    with open(file, encoding="ascii") as lines:
        return [base64.b64decode(line.strip().removeprefix("whsec_")) for line in lines if line.strip()]


def is_ours(keys, headers, body):
    """Somebody who knows one of the keys signed this very message, and not long ago."""
    message_id, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not moment.isdigit() or abs(time.time() - int(moment)) > OLDEST_S:
        return False
    signed = f"{message_id}.{moment}.".encode() + body
    wanted = ["v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in keys]
    given = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(a.encode(), b.encode()) for a in wanted for b in given)


def sentence(event):
    """What the chat is told; None for what is nobody's news."""
    data = event["data"]
    if event["type"] != "airlock.status_changed.v1" or data["status"] == data.get("previous_status"):
        return None
    words = WORDS.get(data["status"])
    return words and f"{data['type'].capitalize()} request {data['request_id']} {words}."


class Told:
    """The ids of what was told, for as long as airlock might send it again."""

    def __init__(self, file):
        self.rows = sqlite3.connect(file)
        self.rows.execute("CREATE TABLE IF NOT EXISTS told (id TEXT PRIMARY KEY, at INTEGER)")

    def has(self, message_id):
        return self.rows.execute("SELECT 1 FROM told WHERE id = ?", (message_id,)).fetchone() is not None

    def add(self, message_id):
        with self.rows:
            self.rows.execute("INSERT OR IGNORE INTO told VALUES (?, ?)", (message_id, int(time.time())))
            self.rows.execute("DELETE FROM told WHERE at < ?", (int(time.time()) - 90 * 24 * 3600,))


class Receiver(BaseHTTPRequestHandler):
    keys, told, chat = [], None, ""

    def do_POST(self):
        length = self.headers.get("content-length", "")
        body = self.rfile.read(int(length)) if length.isdigit() and int(length) <= BODY_MAX else b""
        if not is_ours(self.keys, self.headers, body):
            return self.answer(401)
        event = json.loads(body)
        text = None if self.told.has(event["id"]) else sentence(event)
        if text and not self.post(text):
            return self.answer(502)  # airlock tries again later
        self.told.add(event["id"])
        return self.answer(204)

    def post(self, text):
        request = urllib.request.Request(self.chat, json.dumps({"text": text}).encode(), {"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status < 300
        except OSError as problem:
            print(f"the chat does not answer: {problem}", file=sys.stderr)
            return False

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    Receiver.keys, Receiver.told, Receiver.chat = read_keys(sys.argv[2]), Told(sys.argv[3]), sys.argv[4]
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()


if __name__ == "__main__":
    main()
