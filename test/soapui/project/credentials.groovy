// Makes what the requests prove by who calls: the properties basic and limited for HTTP Basic, and token11 and token12,
// each with a nonce of its own, for WS-Security. Row may have: callerEnding and secretEnding, which make the credential
// a wrong one; type, PasswordText or PasswordDigest; seconds, from now to the time of the tokens.
def testCase = testRunner.testCase
def project = testCase.testSuite.project
def cell = { column -> testCase.getTestStepByName('Row')?.getPropertyValue(column + '.text') ?: '' }
def basic = { name, secret -> 'Basic ' + (name + ':' + secret).getBytes('UTF-8').encodeBase64() }

def caller = project.getPropertyValue('caller') + cell('callerEnding')
def secret = project.getPropertyValue('secret') + cell('secretEnding')
testCase.setPropertyValue('basic', basic(caller, secret).substring('Basic '.length()))
testCase.setPropertyValue('limited', basic(project.getPropertyValue('limited'), project.getPropertyValue('limitedSecret')))

def oasis = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-'
def type = cell('type') ?: 'PasswordDigest'
def time = new java.text.SimpleDateFormat("yyyy-MM-dd'T'HH:mm:ss'Z'")
time.timeZone = TimeZone.getTimeZone('UTC')
['11', '12'].each { version ->
    def nonce = new byte[16]
    new java.security.SecureRandom().nextBytes(nonce)
    def created = time.format(new Date(System.currentTimeMillis() + 1000L * (cell('seconds') ?: '0').toInteger()))
    def sha1 = java.security.MessageDigest.getInstance('SHA-1')
    [nonce, created.getBytes('UTF-8'), secret.getBytes('UTF-8')].each { sha1.update(it) }
    def password = type == 'PasswordDigest' ? sha1.digest().encodeBase64() : secret
    testCase.setPropertyValue('token' + version, """<wsse:Security soapenv:mustUnderstand="1" xmlns:wsse="${oasis}wssecurity-secext-1.0.xsd" xmlns:wsu="${oasis}wssecurity-utility-1.0.xsd">
      <wsse:UsernameToken>
        <wsse:Username>${caller}</wsse:Username>
        <wsse:Password Type="${oasis}username-token-profile-1.0#${type}">${password}</wsse:Password>
        <wsse:Nonce EncodingType="${oasis}soap-message-security-1.0#Base64Binary">${nonce.encodeBase64()}</wsse:Nonce>
        <wsu:Created>${created}</wsu:Created>
      </wsse:UsernameToken>
    </wsse:Security>""".toString())
}
