if (!context.lastRow) {
    testRunner.gotoStepByName('Next row')
}
