package wsi_test

const (
	beforeTypes  = "<wsdl:types>"
	beforePorts  = "<wsdl:portType "
	body11       = `<soap:body use="literal"/>`
	fault11      = `<soap:fault name="RegistrationFault" use="literal"/>`
	binding11    = `<soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>`
	firstMessage = `<wsdl:part name="parameters" element="tns:RegisterRequest"/>`
)

// spoiltDescriptions are, for each assertion, what its check must refuse: a
// text of the WSDL or schema as it is served, and another for it.
var spoiltDescriptions = map[string][]spoil{
	"R2001": {{old: beforeTypes, with: `<wsdl:import namespace="urn:registrar:registration:v1" location="{XSD}"/>` + beforeTypes}},
	"R2002": {
		{old: beforeTypes, with: `<wsdl:import namespace="urn:registrar:registration:v1" location="{XSD}"/>` + beforeTypes},
		{old: `<xs:import namespace="urn:registrar:registration:v1"`, with: `<xs:include`},
	},
	"R2003": {{old: beforeTypes, with: `<xs:import namespace="urn:registrar:registration:v1" schemaLocation="{XSD}"/>` + beforeTypes}},
	"R2004": {{old: `schemaLocation="{XSD}"`, with: `schemaLocation="{XSD}.wsdl"`}},
	"R2010": {{schema: true, old: `encoding="UTF-8"`, with: `encoding="ISO-8859-1"`}},
	"R2011": {{schema: true, old: `version="1.0"`, with: `version="1.1"`}},
	"R2007": {{old: beforeTypes, with: `<wsdl:import namespace="urn:x"/>` + beforeTypes}},
	"R2803": {{old: beforeTypes, with: `<wsdl:import namespace="x" location="http://h/x.wsdl"/>` + beforeTypes}},
	"R2022": {{old: beforePorts, with: `<wsdl:import namespace="urn:x" location="http://h/x.wsdl"/>` + beforePorts}},
	"R2023": {{old: beforeTypes, with: `<wsdl:message name="X"/>` + beforeTypes}},
	"R4003": {{old: `encoding="UTF-8"`, with: `encoding="windows-1252"`}},
	"R4004": {{old: `version="1.0"`, with: `version="1.1"`}},
	"R4005": {{old: beforeTypes, with: `<wsdl:types xmlns:xml="http://www.w3.org/XML/1998/namespace">`}},
	"R2026": {{old: binding11, with: `<soap:binding wsdl:required="true" style="document" transport="http://schemas.xmlsoap.org/soap/http"/>`}},
	"R2028": {
		{old: firstMessage, with: `<wsdl:part element="tns:RegisterRequest"/>`},
		{old: firstMessage, with: firstMessage + `<wsdl:documentation>x</wsdl:documentation>`},
		{old: `<wsdl:port name="RegistrationSoap11"`, with: `<wsdl:port id="x" name="RegistrationSoap11"`},
		{old: beforeTypes, with: `<wsdl:type/>` + beforeTypes},
	},
	"R2029": {
		{old: body11, with: `<soap:body use="literal" part="x"/>`}, {old: fault11, with: `<soap:fault use="literal"/>`},
		{old: `<soap:address location=`, with: `<soap:address x="y" location=`}, {old: body11, with: `<soap:bodies/>`},
	},
	"R2101": {
		{old: `<wsdl:input message="tns:RegisterRequest"/>`, with: `<wsdl:input message="wsdl:RegisterRequest"/>`},
		{old: `type="tns:RegistrationPort"`, with: `type="RegistrationPort"`}, {old: `binding="tns:RegistrationSoap11"`, with: `binding="tns:Other"`},
	},
	"R2102": {{old: `element="tns:RegisterRequest"`, with: `element="wsdl:RegisterRequest"`}},
	"R2105": {{old: "</xs:schema>", with: `</xs:schema><xs:schema><xs:element name="X"/></xs:schema>`}},
	"R2110": {{schema: true, old: `<xs:restriction base="xs:string">`, with: `<xs:restriction base="e:Array" xmlns:e="http://schemas.xmlsoap.org/soap/encoding/">`}},
	"R2111": {{schema: true, old: `<xs:element name="status"`, with: `<xs:element w:arrayType="xs:string[]" xmlns:w="http://schemas.xmlsoap.org/wsdl/" name="status"`}},
	"R2112": {{schema: true, old: `<xs:element name="notification"`, with: `<xs:element name="ArrayOfNotification"`}},
	"R2801": {{schema: true, old: `<xs:simpleType name="Status">`, with: `<x:any xmlns:x="http://www.w3.org/1999/XMLSchema"/><xs:simpleType name="Status">`}},
	"R2201": {{old: body11, with: `<soap:body use="literal" parts="parameters more"/>`}},
	"R2210": {{old: firstMessage, with: firstMessage + `<wsdl:part name="more" element="tns:RegisterRequest"/>`}},
	"R2204": {{old: firstMessage, with: `<wsdl:part name="parameters" type="xs:string"/>`}},
	"R2205": {
		{old: `<wsdl:part name="parameters" element="tns:RegistrationFault"/>`, with: `<wsdl:part name="parameters" type="xs:string"/>`},
		{old: body11, with: body11 + `<soap:header message="tns:None" part="p" use="literal"/>`},
	},
	"R2206": {{old: `element="tns:RegisterRequest"`, with: `element="tns:Notification"`}, {old: `element="tns:RegisterRequest"`, with: `element="x:RegisterRequest"`}},
	"R2306": {{old: firstMessage, with: `<wsdl:part name="parameters" element="tns:RegisterRequest" type="xs:string"/>`}},
	"R2209": {{old: body11, with: ``}},
	"R2303": {
		{old: `<wsdl:input message="tns:RegisterRequest"/>`, with: ``},
		{old: `<wsdl:input message="tns:RegisterRequest"/>`, with: `<wsdl:output message="tns:RegisterResponse"/><wsdl:input message="tns:RegisterRequest"/>`},
	},
	"R2304": {{old: `<wsdl:operation name="GetRegistration">`, with: `<wsdl:operation name="Register">`}},
	"R2305": {{old: `<wsdl:operation name="Register">`, with: `<wsdl:operation name="Register" parameterOrder="a b">`}},
	"R2401": {{old: body11, with: `<m:content xmlns:m="http://schemas.xmlsoap.org/wsdl/mime/" type="text/xml"/>` + body11}, {old: binding11, with: ``}},
	"R2701": {{old: binding11, with: `<soap:binding style="document"/>`}},
	"R2702": {{old: binding11, with: `<soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/smtp"/>`}},
	"R2705": {
		{old: `Register" style="document"`, with: `Register" style="rpc"`},
		{old: binding11, with: `<soap:binding style="rpc" transport="http://schemas.xmlsoap.org/soap/http"/>`},
	},
	"R2706": {{old: body11, with: `<soap:body use="encoded"/>`}, {old: body11, with: `<soap:body/>`}, {old: fault11, with: `<soap:fault name="RegistrationFault" use="encoded"/>`}},
	"R2710": {{old: `element="tns:GetRegistrationRequest"`, with: `element="tns:RegisterRequest"`}},
	"R2711": {{old: `</wsdl:service>`, with: `<wsdl:port name="P" binding="tns:RegistrationSoap11"><soap:address location="http://h/x"/></wsdl:port><wsdl:port name="Q" binding="tns:RegistrationSoap11"><soap:address location="http://h/x"/></wsdl:port></wsdl:service>`}},
	"R2716": {{old: body11, with: `<soap:body use="literal" namespace="urn:x"/>`}, {old: fault11, with: `<soap:fault name="RegistrationFault" use="literal" namespace="urn:x"/>`}},
	"R2718": {{old: `<wsdl:operation name="GetRegistration">`, with: `<wsdl:operation name="Other">`}, {old: `type="tns:RegistrationPort"`, with: `type="tns:Other"`}},
	"R2720": {{old: body11, with: body11 + `<soap:header message="tns:RegisterRequest" use="literal"/>`}, {old: body11, with: body11 + `<soap:header message="tns:RegisterRequest" part="a b" use="literal"/>`}},
	"R2749": {{old: body11, with: body11 + `<soap:header message="tns:RegisterRequest" part="parameters" parts="parameters" use="literal"/>`}},
	"R2740": {{old: `<wsdl:fault name="RegistrationFault" message="tns:RegistrationFaultMessage"/>`, with: `<wsdl:fault name="Another" message="tns:RegistrationFaultMessage"/>`}},
	"R2721": {{old: fault11, with: `<soap:fault use="literal"/>`}},
	"R2754": {{old: fault11, with: `<soap:fault name="Another" use="literal"/>`}},
	"R2723": {{old: fault11, with: `<soap:fault name="RegistrationFault" use="encoded"/>`}},
}
