"""What the Python clients share: the scenario's values, and how a step is told."""

import os
import re

WSDL = os.environ["INTEROP_WSDL"]
ENDPOINT = os.environ["INTEROP_ENDPOINT"]
SOAP = os.environ["INTEROP_SOAP"]
SECURITY = os.environ.get("INTEROP_SECURITY", "")
CALLER = os.environ.get("INTEROP_CALLER", "")
SECRET = os.environ.get("INTEROP_SECRET", "")
USERNAME = os.environ["INTEROP_USERNAME"]

EMAIL = USERNAME + "@example.com"
PASSWORD = "velvet-anchor-tuesday"
FIRST_NAME = "نورة"
LOCALE = "ar"
TAKEN = {"username": USERNAME + "2", "email": EMAIL, "password": PASSWORD}
INVALID = {"username": USERNAME + "3", "email": "not-an-address", "password": PASSWORD}

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def equal(got, want, what):
    if got != want:
        raise ValueError(f"{what} is {got!r}, not {want!r}")


def check(true, what):
    if not true:
        raise ValueError(what)


def tell(stack, version, *steps):
    """Runs the steps, functions named after them, and prints how each went."""
    print("stack", stack, version)
    for step in steps:
        try:
            step()
            print("ok", step.__name__)
        except Exception as e:  # whatever a stack raises is its user's trouble
            reason = " ".join(f"{type(e).__name__}: {e}".split())
            print(f"not ok {step.__name__}: {reason}")
