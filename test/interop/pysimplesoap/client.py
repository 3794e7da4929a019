from base64 import b64encode
from datetime import datetime
from importlib.metadata import version

from pysimplesoap.client import SoapClient, SoapFault
from pysimplesoap.simplexml import SimpleXMLElement
from pysimplesoap.wsse import UsernameToken

from scenario import *

options = {}
if SECURITY == "basic":
    # Its standard transport knows no credentials: its users write the header.
    options["http_headers"] = {"Authorization": "Basic " + b64encode(f"{CALLER}:{SECRET}".encode()).decode()}
elif SECURITY == "wsse-text":
    options["plugins"] = [UsernameToken(CALLER, SECRET)]
# Without the WSDL: with it, a fault with a detail ends in an error of PySimpleSOAP
# wherever the request's element is not named as the operation.
client = SoapClient(location=ENDPOINT, namespace="urn:registrar:registration:v1", **options)
receipt = None


def fault(**request):
    """Registers, and gives the detail of the fault, which it hands out as XML."""
    try:
        client.RegisterRequest(**request)
    except SoapFault as f:
        return SimpleXMLElement(f.detail)
    raise ValueError("no fault")


def register():
    global receipt
    # It writes no xsi:nil: its users leave out what is not there.
    receipt = client.RegisterRequest(username=USERNAME, email=EMAIL, password=PASSWORD, firstName=FIRST_NAME, locale=LOCALE)
    check(UUID.fullmatch(str(receipt.registrationId)), "registrationId is no UUID")
    equal(str(receipt.status), "PENDING_VERIFICATION", "status")
    check(str(receipt.message), "message is empty")
    datetime.fromisoformat(str(receipt.registeredAt))


def taken():
    detail = fault(**TAKEN)
    equal(str(detail.code), "EMAIL_TAKEN", "code")
    equal(str(detail.retryable), "false", "retryable")


def invalid():
    detail = fault(**INVALID)
    equal(str(detail.code), "VALIDATION_FAILED", "code")
    equal([str(field("name")) for field in detail.field], ["email"], "fields")


def lookup():
    account = client.GetRegistrationRequest(email=EMAIL)
    equal(str(account.registrationId), str(receipt.registrationId), "registrationId")
    equal(str(account.firstName), FIRST_NAME, "firstName")
    check(account("mobileNumber", error=False) is None, "there is a mobileNumber")
    equal(str(account.marketingConsent), "false", "marketingConsent")


tell("PySimpleSOAP", version("PySimpleSOAP"), register, taken, invalid, lookup)
