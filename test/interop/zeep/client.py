from datetime import datetime
from importlib.metadata import version

import zeep
from requests import Session
from requests.auth import HTTPBasicAuth
from zeep import xsd
from zeep.wsse.username import UsernameToken

from scenario import *

session = Session()
wsse = None
if SECURITY == "basic":
    session.auth = HTTPBasicAuth(CALLER, SECRET)
elif SECURITY:
    wsse = UsernameToken(CALLER, SECRET, use_digest=SECURITY == "wsse-digest")
client = zeep.Client(WSDL, transport=zeep.Transport(session=session), wsse=wsse)
service = client.bind("RegistrationService", "RegistrationSoap" + SOAP.replace(".", ""))
receipt = None


def fault(operation=service.Register, **request):
    """Calls, and gives the typed detail of the fault."""
    try:
        operation(**request)
    except zeep.exceptions.Fault as f:
        element = client.get_element("{urn:registrar:registration:v1}RegistrationFault")
        return element.parse(f.detail[0], client.wsdl.types)
    raise ValueError("no fault")


def register():
    global receipt
    receipt = service.Register(username=USERNAME, email=EMAIL, password=PASSWORD, firstName=FIRST_NAME, mobileNumber=xsd.Nil, locale=LOCALE)
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
    equal([field.name for field in detail.field], ["email"], "fields")


def lookup():
    account = service.GetRegistration(email=EMAIL)
    equal(account.registrationId, receipt.registrationId, "registrationId")
    equal(account.firstName, FIRST_NAME, "firstName")
    equal(account.mobileNumber, None, "mobileNumber")
    equal(account.marketingConsent, False, "marketingConsent")


def codes():
    contact = {"registrationId": receipt.registrationId, "channel": "EMAIL"}
    equal(fault(service.VerifyContact, code="000000", **contact).code, "CODE_INVALID", "code")
    equal(fault(service.ResendCode, **contact).code, "RESEND_TOO_SOON", "code")


def passwords():
    verdict = service.VerifyPassword(login=EMAIL, password=PASSWORD, origin="device-1")
    equal(verdict.valid, True, "valid")
    equal(verdict.registrationId, receipt.registrationId, "registrationId")
    equal(verdict.status, "PENDING_VERIFICATION", "status")
    for login in USERNAME, USERNAME + "-nobody":
        verdict = service.VerifyPassword(login=login, password="velvet-anchor-monday")
        equal(verdict.valid, False, "valid")
        equal(verdict.registrationId, None, "registrationId")


tell("zeep", version("zeep"), register, taken, invalid, lookup, codes, passwords)
