from datetime import datetime

import suds
from suds import WebFault, null
from suds.client import Client
from suds.transport.http import HttpAuthenticated
from suds.wsse import Security, UsernameToken

from scenario import *

options = {}
if SECURITY == "basic":
    options["transport"] = HttpAuthenticated(username=CALLER, password=SECRET)
elif SECURITY == "wsse-text":
    security = Security()
    security.tokens.append(UsernameToken(CALLER, SECRET))
    options["wsse"] = security
client = Client(WSDL, cache=None, port="RegistrationSoap11", **options)
receipt = None


def fault(**request):
    """Registers, and gives the typed detail of the fault."""
    try:
        client.service.Register(**request)
    except WebFault as f:
        return f.fault.detail.RegistrationFault
    raise ValueError("no fault")


def register():
    global receipt
    receipt = client.service.Register(username=USERNAME, email=EMAIL, password=PASSWORD, firstName=FIRST_NAME, mobileNumber=null(), locale=LOCALE)
    check(UUID.fullmatch(receipt.registrationId), "registrationId is no UUID")
    equal(receipt.status, "PENDING_VERIFICATION", "status")
    check(receipt.message, "message is empty")
    check(isinstance(receipt.registeredAt, datetime), "registeredAt is no datetime")


def taken():
    detail = fault(**TAKEN)
    equal(detail.code, "EMAIL_TAKEN", "code")
    equal(detail.retryable, False, "retryable")


def invalid():
    detail = fault(**INVALID)
    equal(detail.code, "VALIDATION_FAILED", "code")
    fields = detail.field if isinstance(detail.field, list) else [detail.field]
    equal([field.name for field in fields], ["email"], "fields")


def lookup():
    account = client.service.GetRegistration(email=EMAIL)
    equal(account.registrationId, receipt.registrationId, "registrationId")
    equal(account.firstName, FIRST_NAME, "firstName")
    check("mobileNumber" not in account, "there is a mobileNumber")
    equal(account.marketingConsent, False, "marketingConsent")


tell("suds", suds.__version__, register, taken, invalid, lookup)
