"""What programs that cannot run here put on the wire: the head of their requests and their envelopes.

In a head, {host}, {path}, {length}, {action} and {basic} are filled in; a line whose
value is empty then is left out. An envelope has {body}, {action}, {endpoint} and {uuid}.
"""

from dataclasses import dataclass

NS = "urn:registrar:registration:v1"
SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
XSD = "http://www.w3.org/2001/XMLSchema"


@dataclass
class Flavour:
    name: str  # of the program, with its version
    head: str
    envelope: str
    prefix: str = ""  # of the elements of the Body
    charset: str = "utf-8"
    bom: bytes = b""
    nil: str = ""  # the attribute of a nil element; "" leaves the element out
    pretty: str = ""  # what stands before each child
    width: int = 0  # of a fixed-width field, filled with blanks
    curl: tuple = ()  # options of curl, which sends it; the head is curl's own then


# MSXML2.XMLHTTP names no charset and no action; a DOMDocument is sent in the charset of its prolog.
MSXML = """POST {path} HTTP/1.1
Accept: */*
Accept-Language: ar-SA
Content-Type: text/xml
Accept-Encoding: gzip, deflate
User-Agent: Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0)
Host: {host}
Content-Length: {length}
Connection: Keep-Alive
Cache-Control: no-cache
"""

# WinHttpRequest, with the action as VB programmers write it: without quotes.
WINHTTP = """POST {path} HTTP/1.1
Connection: Keep-Alive
Content-Type: text/xml
Accept: */*
User-Agent: Mozilla/4.0 (compatible; Win32; WinHttp.WinHttpRequest.5)
SOAPAction: {action}
Content-Length: {length}
Host: {host}
"""

VB = f"""<soap:Envelope xmlns:xsi="{XSI}" xmlns:xsd="{XSD}" xmlns:soap="{SOAP11}"><soap:Body>{{body}}</soap:Body></soap:Envelope>"""

POSTMAN = """POST {path} HTTP/1.1
Content-Type: CONTENT-TYPE
User-Agent: PostmanRuntime/7.32.3
Accept: */*
Postman-Token: 4bb1dd8c-38f1-4c48-a03b-3a2a70b7ad1e
Host: {host}
Accept-Encoding: gzip, deflate, br
Connection: keep-alive
Content-Length: {length}
Authorization: {basic}
"""

PASTED = """<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:soap="NAMESPACE" xmlns:xsi="%s">
  <soap:Body>
    {body}
  </soap:Body>
</soap:Envelope>
""" % XSI

# The ABAP runtime: HTTP 1.0 unless the destination says otherwise, an empty action unless the logical port has one, the
# caller's system in a header block.
SAP = """POST {path} HTTP/1.0
content-type: text/xml; charset=utf-8
content-length: {length}
host: {host}
user-agent: SAP NetWeaver Application Server (1.0;740)
soapaction: ""
accept-encoding: gzip
authorization: {basic}
"""

SAP_CALLER = """<m:CallerInformation xmlns:m="http://www.sap.com/webas/712/soap/features/runtime/metering/"><m:Type>SA</m:Type><m:Company>0020123456</m:Company><m:Sys>PRD_100</m:Sys></m:CallerInformation>"""

WSA = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
SAP_ADDRESSING = (
    f"""<wsa:To soap-env:mustUnderstand="1" xmlns:wsa="{WSA}">{{endpoint}}</wsa:To>"""
    + "".join(f"""<wsa:{name} xmlns:wsa="{WSA}"><wsa:Address>{WSA}/role/anonymous</wsa:Address></wsa:{name}>""" for name in ("From", "ReplyTo", "FaultTo"))
    + f"""<wsa:Action soap-env:mustUnderstand="1" xmlns:wsa="{WSA}">{{action}}</wsa:Action><wsa:MessageID xmlns:wsa="{WSA}">uuid:{{uuid}}</wsa:MessageID>"""
)


def sap(headers):
    return f"""<?xml version="1.0" encoding="utf-8"?><soap-env:Envelope xmlns:soap-env="{SOAP11}"><soap-env:Header>{headers}</soap-env:Header><soap-env:Body>{{body}}</soap-env:Body></soap-env:Envelope>"""


# PL/SQL: chunks, because a CLOB is longer than a VARCHAR2, and the namespaces of a much copied package.
UTL_HTTP = """POST {path} HTTP/1.1
Host: {host}
User-Agent: Mozilla/4.0
Content-Type: text/xml; charset=UTF-8
SOAPAction: {action}
Transfer-Encoding: chunked
Authorization: {basic}
Connection: close
"""

ORACLE = f"""<SOAP-ENV:Envelope xmlns:SOAP-ENV="{SOAP11}" xmlns:xsi="http://www.w3.org/1999/XMLSchema-instance" xmlns:xsd="http://www.w3.org/1999/XMLSchema">
<SOAP-ENV:Body>
{{body}}
</SOAP-ENV:Body>
</SOAP-ENV:Envelope>"""

# COBOL has no strings: values come in fields of fixed width, here where the schema collapses white space.
CICS = """POST {path} HTTP/1.1
Host: {host}
User-Agent: IBM_CICS_Transaction_Server/5.6.0(zOS)
Content-Type: text/xml; charset=UTF-8
SOAPAction: "{action}"
Content-Length: {length}
"""

COBOL = f"""<SOAP-ENV:Envelope xmlns:SOAP-ENV="{SOAP11}" xmlns:xsd="{XSD}" xmlns:xsi="{XSI}"><SOAP-ENV:Body>{{body}}</SOAP-ENV:Body></SOAP-ENV:Envelope>"""

# NuSOAP: HTTP 1.0, Latin-1, and encodingStyle on the Envelope of a literal message too.
NUSOAP = """POST {path} HTTP/1.0
User-Agent: NuSOAP/0.9.5 (1.123)
Content-Type: text/xml; charset=ISO-8859-1
SOAPAction: "{action}"
Content-Length: {length}
Host: {host}
"""

NUSOAP_ENVELOPE = f"""<?xml version="1.0" encoding="ISO-8859-1"?><SOAP-ENV:Envelope SOAP-ENV:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/" xmlns:SOAP-ENV="{SOAP11}" xmlns:xsd="{XSD}" xmlns:xsi="{XSI}" xmlns:SOAP-ENC="http://schemas.xmlsoap.org/soap/encoding/"><SOAP-ENV:Body>{{body}}</SOAP-ENV:Body></SOAP-ENV:Envelope>"""

GZIP = ("--compressed", "-H", "Content-Encoding: gzip", "-H", "Expect: 100-continue")

FLAVOURS = {
    ("msxml", "1.1"): Flavour("MSXML2.XMLHTTP 6.0", MSXML, VB, nil='xsi:nil="true"'),
    ("msxml-utf16", "1.1"): Flavour(
        "MSXML2.XMLHTTP 6.0", MSXML, '<?xml version="1.0" encoding="utf-16"?>\r\n' + VB + "\r\n", charset="utf-16-le", bom=b"\xff\xfe", nil='xsi:nil="true"'
    ),
    ("msxml-windows1252", "1.1"): Flavour("MSXML2.XMLHTTP 6.0", MSXML, '<?xml version="1.0" encoding="windows-1252"?>\r\n' + VB + "\r\n", charset="cp1252", nil='xsi:nil="1"'),
    ("winhttp", "1.1"): Flavour("WinHttpRequest 5.1", WINHTTP, VB),
    ("postman", "1.1"): Flavour("PostmanRuntime 7.32", POSTMAN.replace("CONTENT-TYPE", "text/xml"), PASTED.replace("NAMESPACE", SOAP11), nil='xsi:nil="true"', pretty="\n      "),
    ("postman", "1.2"): Flavour(
        "PostmanRuntime 7.32", POSTMAN.replace("CONTENT-TYPE", "application/soap+xml"), PASTED.replace("NAMESPACE", SOAP12), nil='xsi:nil="true"', pretty="\n      "
    ),
    ("sap", "1.1"): Flavour("SAP NetWeaver AS ABAP 7.40", SAP, sap(SAP_CALLER), prefix="n0"),
    ("sap-wsa", "1.1"): Flavour("SAP NetWeaver AS ABAP 7.40", SAP.replace('""', '"{action}"'), sap(SAP_CALLER + SAP_ADDRESSING), prefix="n0"),
    ("oracle", "1.1"): Flavour("Oracle UTL_HTTP 19c", UTL_HTTP, ORACLE, prefix="ns1"),
    ("cics", "1.1"): Flavour("IBM CICS TS 5.6", CICS, COBOL, nil='xsi:nil="true"', width=35),
    ("nusoap", "1.1"): Flavour("NuSOAP 0.9.5", NUSOAP, NUSOAP_ENVELOPE, charset="iso-8859-1", nil='xsi:nil="true"'),
    ("curl-gzip", "1.1"): Flavour("curl", "", VB, nil='xsi:nil="true"', curl=GZIP + ("-H", "Content-Type: text/xml; charset=utf-8", "-H", 'SOAPAction: "{action}"')),
    ("curl-gzip", "1.2"): Flavour(
        "curl", "", VB.replace(SOAP11, SOAP12), nil='xsi:nil="true"', curl=GZIP + ("-H", 'Content-Type: application/soap+xml; charset=utf-8; action="{action}"')
    ),
}
