// Where the project has a caller, its secret goes with every request by HTTP Basic (RFC 7617), unasked: a SOAP fault
// asks nobody for credentials.
def project = testCase.testSuite.project
def caller = project.getPropertyValue('caller')
if (caller) {
    def credentials = caller + ':' + project.getPropertyValue('secret')
    testCase.setPropertyValue('authorization', 'Basic ' + credentials.getBytes('UTF-8').encodeBase64())
}
testCase.testStepList.findAll { it instanceof com.eviware.soapui.impl.wsdl.teststeps.WsdlTestRequestStep }.each { step ->
    def headers = step.testRequest.requestHeaders
    if (caller) {
        headers.put('Authorization', ['${#TestCase#authorization}'])
    } else {
        headers.remove('Authorization')
    }
    step.testRequest.requestHeaders = headers
}
