package wsi_test

import (
	"bytes"
	"net/http"
)

// in replaces a text of the answer.
func in(old, with string) func(*exchange) {
	return func(x *exchange) { x.body = bytes.ReplaceAll(x.body, []byte(old), []byte(with)) }
}

// status replaces the answer's.
func status(code int) func(*exchange) {
	return func(x *exchange) { x.status = code }
}

// header adds a field to the answer's.
func header(name, value string) func(*exchange) {
	return func(x *exchange) {
		x.header = x.header.Clone()
		x.header.Set(name, value)
	}
}

const emptyFault = `<s:Fault xmlns:s="` + soapenv + `"><faultcode>s:Server</faultcode></s:Fault>`

// failing makes any answer a fault of the server.
func failing(x *exchange) {
	x.status, x.body = http.StatusInternalServerError, []byte(enveloped("", emptyFault))
}

// spoiltMessages change, for each assertion, an answer so that its check must refuse it.
var spoiltMessages = map[string]func(*exchange){
	"R9980": in("<soap:Body>", "<soap:Tail/><soap:Body>"),
	"R9981": in("</soap:Body>", `<x xmlns="urn:x"/></soap:Body>`),
	"R1000": in("<faultstring>", "<faultnode/><faultstring>"),
	"R1001": in("<soap:Fault>", `<soap:Fault xmlns="`+soapenv+`">`),
	"R1004": in("<faultcode>soap:", "<faultcode>"),
	"R1031": in("<faultcode>soap:Client", "<faultcode>soap:Client.Authentication"),
	"R1005": in("<soap:Body>", `<soap:Body soap:encodingStyle="`+soapenc+`">`),
	"R1006": in("<RegisterResponse ", `<RegisterResponse soap:encodingStyle="`+soapenc+`" `),
	"R1008": in("<soap:Envelope", "<!DOCTYPE x><soap:Envelope"),
	"R1009": in("<soap:Body>", "<?x y?><soap:Body>"),
	"R1011": in("</soap:Body>", `</soap:Body><x xmlns="urn:x"/>`),
	"R1012": in(`encoding="utf-8"`, `encoding="iso-8859-1"`),
	"R1018": header("Content-Type", "text/xml"),
	"R1013": in("<soap:Body>", `<soap:Header><x xmlns="urn:x" soap:mustUnderstand="true"/></soap:Header><soap:Body>`),
	"R1014": in(` xmlns="`+ns+`"`, ""),
	"R1032": in("<soap:Body>", `<soap:Body soap:id="x">`),
	"R1033": in("<soap:Body>", `<soap:Body xmlns:xml="`+xmlns+`">`),
	"R2113": in("<status>", `<status xmlns:e="`+soapenc+`" e:arrayType="x">`),
	"R2712": in("RegisterResponse", "RegisterReturn"),
	"R2740": in("RegistrationFault", "OtherFault"),
	"R1010": failing, "R4001": failing, "R1017": failing, "R1109": failing, "R1127": failing, "R2739": failing,
	"R1015": failing, "R1025": failing, "R1027": failing, "R2724": failing, "R2725": failing,
	"R1029": func(x *exchange) { x.body = []byte(enveloped("", `<x xmlns="urn:x"/>`)) },
	"R1111": status(http.StatusAccepted),
	"R1124": status(http.StatusInternalServerError),
	"R1126": status(http.StatusOK),
	"R1113": status(http.StatusInternalServerError),
	"R1114": status(http.StatusNotFound),
	"R1115": status(http.StatusBadRequest),
	"R1125": status(http.StatusInternalServerError),
	"R1121": header("Set-Cookie", "a=b"),
	"R1130": status(http.StatusFound),
	"R1140": func(x *exchange) { x.proto = "HTTP/1.0" },
	"R1141": func(x *exchange) { x.proto = "HTTP/2.0" },
}
