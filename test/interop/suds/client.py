import secrets
from base64 import b64encode
from datetime import datetime
from hashlib import sha1

import suds
from suds import WebFault, null
from suds.client import Client
from suds.sax.date import DateTime
from suds.transport.http import HttpAuthenticated
from suds.wsse import Security, UsernameToken

from scenario import *

options = {"transport": HttpAuthenticated(username=CALLER, password=SECRET)} if SECURITY == "basic" else {}
client = Client(WSDL, cache=None, port="RegistrationSoap11", **options)
receipt = None


def service():
    """The operations, with a token of their own where one is wanted: a nonce serves once."""
    if SECURITY.startswith("wsse"):
        token = UsernameToken(CALLER, SECRET)
        if SECURITY == "wsse-digest":
            nonce = secrets.token_bytes(16)
            token.setnonce(b64encode(nonce).decode())
            token.setnonceencoding(True)
            token.setcreated()
            created = str(DateTime(token.created))
            token.setpassworddigest(b64encode(sha1(nonce + created.encode() + SECRET.encode()).digest()).decode())
        security = Security()
        security.tokens.append(token)
        client.set_options(wsse=security)
    return client.service


def fault(**request):
    """Registers, and gives the typed detail of the fault."""
    try:
        service().Register(**request)
    except WebFault as f:
        return f.fault.detail.RegistrationFault
    raise ValueError("no fault")


def register():
    global receipt
    receipt = service().Register(username=USERNAME, email=EMAIL, password=PASSWORD, firstName=FIRST_NAME, mobileNumber=null(), locale=LOCALE)
    check(UUID.fullmatch(receipt.registrationId), "registrationId is no UUID")
    equal(receipt.status, "PENDING_VERIFICATION", "status")
    check(receipt.message, "message is empty")
    check(isinstance(receipt.registeredAt, datetime), "registeredAt is no datetime")


def taken():
    detail = fault(**TAKEN)
    equal(detail.code, "EMAIL_TAKEN", "code")
    equal(detail.retryable, "false", "retryable")  # suds types no fault's detail


def invalid():
    detail = fault(**INVALID)
    equal(detail.code, "VALIDATION_FAILED", "code")
    fields = detail.field if isinstance(detail.field, list) else [detail.field]
    equal([field.name for field in fields], ["email"], "fields")


def lookup():
    account = service().GetRegistration(email=EMAIL)
    equal(account.registrationId, receipt.registrationId, "registrationId")
    equal(account.firstName, FIRST_NAME, "firstName")
    check("mobileNumber" not in account, "there is a mobileNumber")
    equal(account.marketingConsent, False, "marketingConsent")


tell("suds", suds.__version__, register, taken, invalid, lookup)
