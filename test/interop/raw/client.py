import gzip
import os
import socket
import subprocess
from base64 import b64encode
from http.client import HTTPResponse
from urllib.parse import urlsplit
from uuid import uuid4
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from flavours import FLAVOURS, NS, SOAP11, SOAP12
from scenario import *

flavour = FLAVOURS[os.environ["INTEROP_FLAVOUR"], SOAP]
url = urlsplit(ENDPOINT)
receipt = None

LAST_NAME = "Lefèvre"  # a letter that every charset but ASCII has a byte for


def envelope(operation, values):
    """The envelope of a request, in bytes. A value of None is nil."""
    prefix = flavour.prefix + ":" if flavour.prefix else ""
    children = ""
    for name, value in values.items():
        if value is not None:
            if flavour.width and name == "locale":
                value = value.ljust(flavour.width)
            children += f"{flavour.pretty}<{prefix}{name}>{escape(value)}</{prefix}{name}>"
        elif flavour.nil:
            children += f"{flavour.pretty}<{prefix}{name} {flavour.nil}/>"
    xmlns = "xmlns:" + flavour.prefix if flavour.prefix else "xmlns"
    end = flavour.pretty[:-2]
    body = f'<{prefix}{operation}Request {xmlns}="{NS}">{children}{end}</{prefix}{operation}Request>'
    text = flavour.envelope.format(body=body, action=action(operation), endpoint=ENDPOINT, uuid=uuid4())
    return flavour.bom + text.encode(flavour.charset, "xmlcharrefreplace")


def action(operation):
    return f"{NS}/{operation}"


def request(operation, message):
    """The whole HTTP request, in bytes."""
    basic = "Basic " + b64encode(f"{CALLER}:{SECRET}".encode()).decode() if SECURITY == "basic" else ""
    head = flavour.head.format(host=url.netloc, path=url.path, length=len(message), action=action(operation), basic=basic)
    lines = [line for line in head.splitlines() if not line.endswith(": ")]
    if "Transfer-Encoding: chunked" in lines:
        message = b"".join(b"%x\r\n%b\r\n" % (len(message[i : i + 100]), message[i : i + 100]) for i in range(0, len(message), 100)) + b"0\r\n\r\n"
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii") + message


def exchange(operation, message):
    """Sends a message; gives the status, the media type and the body of the answer."""
    if flavour.curl:
        options = [option.format(action=action(operation)) for option in flavour.curl]
        if SECURITY == "basic":
            options += ["-u", f"{CALLER}:{SECRET}"]
        command = ["curl", "-sS", "--max-time", "30", "-w", "\n%{http_code} %{content_type}", *options, "--data-binary", "@-", ENDPOINT]
        out = subprocess.run(command, input=gzip.compress(message), stdout=subprocess.PIPE, check=True).stdout
        body, _, last = out.rpartition(b"\n")
        status, _, media = last.decode().partition(" ")
        return int(status), media, body
    with socket.create_connection((url.hostname, url.port), timeout=30) as connection:
        connection.sendall(request(operation, message))
        response = HTTPResponse(connection, method="POST")
        response.begin()
        body = response.read()
        if response.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        return response.status, response.headers["Content-Type"], body


def call(operation, **values):
    """Calls an operation; gives whether it is a fault, and the values of the response or of the fault's detail."""
    status, media, body = exchange(operation, envelope(operation, values))
    namespace, want = {"1.1": (SOAP11, "text/xml; charset=utf-8"), "1.2": (SOAP12, "application/soap+xml; charset=utf-8")}[SOAP]
    equal(media, want, "Content-Type")
    root = ElementTree.fromstring(body)
    equal(root.tag, f"{{{namespace}}}Envelope", "the answer's root")
    content = root.find(f"{{{namespace}}}Body")[0]
    if content.tag != f"{{{namespace}}}Fault":
        equal(status, 200, "status")
        equal(content.tag, f"{{{NS}}}{operation}Response", "the answer's element")
        return False, content
    equal(status, 500 if SOAP == "1.1" else 400, "status of a caller's fault")
    detail = content.find(f".//{{{NS}}}RegistrationFault")
    check(detail is not None, "a fault without detail: " + "".join(content.itertext()))
    return True, detail


def value(element, name):
    return element.findtext(f"{{{NS}}}{name}")


def answer(operation, **values):
    fault, content = call(operation, **values)
    check(not fault, f"{value(content, 'code')} {value(content, 'message')}")
    return content


def fault(**values):
    fault, content = call("Register", **values)
    check(fault, "no fault")
    return content


def register():
    global receipt
    receipt = answer("Register", username=USERNAME, email=EMAIL, password=PASSWORD, firstName=FIRST_NAME, lastName=LAST_NAME, mobileNumber=None, locale=LOCALE)
    check(UUID.fullmatch(value(receipt, "registrationId")), "registrationId is no UUID")
    equal(value(receipt, "status"), "PENDING_VERIFICATION", "status")
    check(value(receipt, "message"), "message is empty")
    check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", value(receipt, "registeredAt")), "registeredAt is no time in UTC")


def taken():
    detail = fault(**TAKEN)
    equal(value(detail, "code"), "EMAIL_TAKEN", "code")
    equal(value(detail, "retryable"), "false", "retryable")


def invalid():
    detail = fault(**INVALID)
    equal(value(detail, "code"), "VALIDATION_FAILED", "code")
    equal([value(field, "name") for field in detail.findall(f"{{{NS}}}field")], ["email"], "fields")


def lookup():
    account = answer("GetRegistration", email=EMAIL)
    equal(value(account, "registrationId"), value(receipt, "registrationId"), "registrationId")
    equal(value(account, "firstName"), FIRST_NAME, "firstName")
    equal(value(account, "lastName"), LAST_NAME, "lastName")
    equal(value(account, "mobileNumber"), None, "mobileNumber")
    equal(value(account, "marketingConsent"), "false", "marketingConsent")


name, _, version = flavour.name.rpartition(" ")
if flavour.curl:
    name, version = "curl", subprocess.run(["curl", "--version"], stdout=subprocess.PIPE, check=True, text=True).stdout.split()[1]
tell(("" if flavour.curl else "as ") + name, version, register, taken, invalid, lookup)
