// A number for names that nobody has registered yet. Digits alone may stand beside letters of any script.
testCase.setPropertyValue('unique', String.valueOf(UUID.randomUUID().mostSignificantBits & Long.MAX_VALUE))

// HTTP Basic (RFC 7617) with the project's caller and secret, if there are any. It goes with the first request:
// a SOAP fault asks nobody for credentials.
def project = testCase.testSuite.project
def caller = project.getPropertyValue('caller')
def credentials = caller + ':' + project.getPropertyValue('secret')
testCase.setPropertyValue('authorization', caller ? 'Basic ' + credentials.getBytes('UTF-8').encodeBase64() : '')
