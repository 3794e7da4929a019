// A number for names that nobody has registered yet. Digits alone may stand beside letters of any script.
testCase.setPropertyValue('unique', String.valueOf(UUID.randomUUID().mostSignificantBits & Long.MAX_VALUE))
// Its last seven digits, for a telephone number: a number is sent a few codes a day only.
testCase.setPropertyValue('digits', testCase.getPropertyValue('unique').padLeft(7, '0')[-7..-1])
