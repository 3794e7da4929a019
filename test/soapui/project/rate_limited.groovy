// Sends the request of the step before again until the caller has used up its rate, and looks at the answer to that.
def step = testRunner.testCase.getTestStepAt(context.currentStepIndex - 1)
def exchange = step.testRequest.response
context.calls = (context.calls ?: 0) + 1
if (exchange.contentAsString.contains('GetRegistrationResponse') || exchange.contentAsString.contains('<code>NOT_FOUND</code>')) {
    assert context.calls < 200 : 'the caller is never limited'
    testRunner.gotoStepByName(step.name)
} else {
    assert exchange.contentAsString.contains('<code>RATE_LIMITED</code>')
    assert exchange.contentAsString.contains('<retryable>true</retryable>')
    def retryAfter = exchange.responseHeaders.find { it.key?.equalsIgnoreCase('Retry-After') }?.value?.toString()
    assert retryAfter =~ /[1-9][0-9]*/
}
