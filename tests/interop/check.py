"""Uses the profiles that evertoken keeps fresh as a Python program would. Argument: the STS endpoint."""

import sys
from datetime import datetime, timedelta, timezone

import boto3

EXPECTED = {
    "dev": "arn:aws:sts::111122223333:assumed-role/Developer/interop",
    "ops": "arn:aws:sts::444455556666:assumed-role/Operator/interop",
    "hidden": "arn:aws:sts::777788889999:assumed-role/Hidden/interop",
}

endpoint = sys.argv[1]
for profile, expected in EXPECTED.items():
    session = boto3.Session(profile_name=profile)
    assert session.region_name == "eu-west-1", (profile, session.region_name)
    found = session.client("sts", endpoint_url=endpoint).get_caller_identity()["Arn"]
    assert found == expected, (profile, found)
    print(f"interop: boto3 is {found} with profile {profile}")

# Through credential_process boto3 knows when the session ends, and asks again by itself.
credentials = boto3.Session(profile_name="hidden").get_credentials()
left = credentials._expiry_time - datetime.now(timezone.utc)
assert timedelta(minutes=15) < left <= timedelta(hours=1, minutes=1), left
print(f"interop: boto3 will ask evertoken again, {int(left.total_seconds())} s are left")
