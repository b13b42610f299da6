"""A program that runs for days, with boto3 as its documentation says: one session, one client. Asks the STS of
AWS_ENDPOINT_URL_STS who it is, at odd moments, until standard input ends; then prints one line of JSON.

botocore asks for credentials again from 15 minutes before their end, and waits for them from 10 minutes on. With sessions
of seconds that is always, so with EXPIRY_WINDOW both are as many seconds before the end as they are parts of an hour."""

import json
import os
import random
import sys
import threading
import time

import boto3
from botocore.exceptions import BotoCoreError, ClientError

stopped = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stopped.set()), daemon=True).start()
session = boto3.Session()
if window := os.environ.get("EXPIRY_WINDOW"):
    credentials = session.get_credentials()
    usual = (credentials._advisory_refresh_timeout, credentials._mandatory_refresh_timeout)
    assert usual == (900, 600), f"botocore has other windows than this test knows: {usual}"
    credentials._advisory_refresh_timeout = float(window)
    credentials._mandatory_refresh_timeout = float(window) * 2 / 3
client = session.client("sts")
start = time.monotonic()
calls, failed, first = 0, 0, None
while not stopped.is_set():
    calls += 1
    try:
        client.get_caller_identity()
    except (ClientError, BotoCoreError) as error:
        failed += 1
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else repr(error)
        first = first or [time.monotonic() - start, code]
    stopped.wait(random.random() * 1.5)
print(json.dumps({"calls": calls, "failed": failed, "first": first}))
