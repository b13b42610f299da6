"""AWS with authentication enforced: makes its users and roles, or compares what evertoken reports. Arguments: what to do
(`prepare` or `compare`), and the endpoint, or the output of `evertoken status --json`."""

import json
import sys

import boto3

# Who may call AssumeRole at all, and who may not; both have keys that are right.
USERS = ["base", "denied"]
ACCOUNT = "arn:aws:iam::123456789012:"
# By role: who is trusted, and with which external id. moto looks at both by itself, but lets a call pass that brings no
# external id at all: that one is shown with the emulator alone.
TRUSTED = {
    "Developer": (f"{ACCOUNT}user/base", None),
    "Operator": ("arn:aws:sts::123456789012:assumed-role/Developer/interop", None),
    "Partner": (f"{ACCOUNT}user/base", "the-right-one"),
    "Stranger": (f"{ACCOUNT}user/denied", None),
}
# Two calls for each user, one for each role, and two policies: these come first, and are the only ones that moto takes
# from anybody.
UNAUTHENTICATED = 2 * len(USERS) + len(TRUSTED) + 2
EXPECTED = {
    "dev": ("fresh", None, None),
    "ops": ("fresh", None, None),
    "partner": ("fresh", None, None),
    "mistyped": ("waiting", "source", "SignatureDoesNotMatch"),
    "deleted": ("waiting", "source", "InvalidClientTokenId"),
    "denied": ("refused", "refused", "AccessDenied"),
    "wrong-id": ("refused", "refused", "AccessDenied"),
    "untrusted": ("refused", "refused", "AccessDenied"),
    "chained-untrusted": ("refused", "refused", "AccessDenied"),
}


def prepare(endpoint):
    iam = boto3.client(
        "iam",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    )
    may_assume = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}]}
    )
    keys = {}
    for user in USERS:
        iam.create_user(UserName=user)
        key = iam.create_access_key(UserName=user)["AccessKey"]
        keys[user] = (key["AccessKeyId"], key["SecretAccessKey"])
    iam.put_user_policy(UserName="base", PolicyName="assume", PolicyDocument=may_assume)
    for role, (principal, external_id) in TRUSTED.items():
        statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
        if external_id:
            statement["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust)
    iam.put_role_policy(RoleName="Developer", PolicyName="assume", PolicyDocument=may_assume)
    keys["mistyped"] = (keys["base"][0], "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    keys["deleted"] = ("AKIAI44QH8DHBEXAMPLE", "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY")
    for user, (key_id, secret) in keys.items():
        print(f"[{user}-keys]\naws_access_key_id = {key_id}\naws_secret_access_key = {secret}\n")


def compare(status):
    found = {}
    for profile in json.loads(status)["profiles"]:
        error = profile["error"] or {"class": None, "code": None}
        found[profile["profile"]] = (profile["state"], error["class"], error["code"])
    for name, expected in EXPECTED.items():
        assert found[name] == expected, (name, found[name], expected)
        print(f"interop: {name} is {found[name]}")


if __name__ == "__main__":
    if sys.argv[1] == "count":
        print(UNAUTHENTICATED)
    else:
        {"prepare": prepare, "compare": compare}[sys.argv[1]](sys.argv[2])
