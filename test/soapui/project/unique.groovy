// A number for names that nobody has registered yet. Digits alone may stand beside letters of any script.
testCase.setPropertyValue('unique', String.valueOf(UUID.randomUUID().mostSignificantBits & Long.MAX_VALUE))
