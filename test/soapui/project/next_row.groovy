// Puts the next row of Table into Row. Cells stand between bars; \u200b in one is the character of that number.
// Row has each cell under its column's name as it is written in XML, and under NAME.text as it is.
def testCase = testRunner.testCase
def table = testCase.getTestStepByName('Table')
def row = testCase.getTestStepByName('Row')
def names = table.propertyList*.name
def at = (context.row ?: 0) + 1
context.row = at
context.lastRow = at == names.size() - 1
testCase.setPropertyValue('unique', String.valueOf(UUID.randomUUID().mostSignificantBits & Long.MAX_VALUE))
testCase.setPropertyValue('digits', testCase.getPropertyValue('unique').padLeft(7, '0')[-7..-1])

def split = { property -> table.getPropertyValue(property).split(/ \| /, -1) as List }
def cells = split(names[at])
def columns = split('columns')
assert cells.size() == columns.size() : "row '${names[at]}' has ${cells.size()} cells"
columns.eachWithIndex { column, i ->
    def text = context.expand(cells[i]).replaceAll(/\\u([0-9a-fA-F]{4})/) { all, code -> Character.toString((char) Integer.parseInt(code, 16)) }
    row.setPropertyValue(column + '.text', text)
    row.setPropertyValue(column, text.replace('&', '&amp;').replace('<', '&lt;').replace('\r', '&#13;'))
}
row.setPropertyValue('row', names[at])
log.info("row ${at}: ${names[at]}")
