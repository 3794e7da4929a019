"""What byte code cannot tell of SoapUI's project files: known from the files themselves."""

# Types that extend another: the engine's generic signatures name them.
SUPERTYPE = {
    'AbstractRequest': 'ModelItem', 'WsdlRequest': 'AbstractRequest', 'HttpRequest': 'AbstractRequest',
    'RestRequest': 'AbstractRequest', 'Interface': 'ModelItem', 'WsdlInterface': 'Interface',
    'RestService': 'Interface', 'DefaultEndpointStrategy': 'EndpointStrategy', 'WSSEntry': 'RegistryEntry',
    'WSSCrypto': 'RegistryEntry', 'Project': 'ModelItem', 'Operation': 'ModelItem', 'TestSuite': 'ModelItem',
    'TestCase': 'ModelItem', 'TestStep': 'ModelItem', 'LoadTest': 'ModelItem', 'MockService': 'ModelItem',
    'MockOperation': 'ModelItem', 'MockResponse': 'ModelItem', 'RestResource': 'ModelItem',
    'RestMethod': 'ModelItem', 'SecurityTest': 'ModelItem', 'SecurityScan': 'ModelItem',
}

# Properties that are attributes, '*' for all; every other one is an element.
ATTRIBUTES = {
    'ModelItem': 'name id', 'AbstractRequest': 'timeout sslKeystore',
    'Project': 'resourceRoot soapuiVersion abortOnError runType defaultScriptLanguage timeout',
    'Interface': 'type', 'WsdlInterface': 'bindingName soapVersion anonymous wsaVersion definition',
    'RestService': 'basePath definitionUrl wadlVersion inferredSchema',
    'Operation': 'action anonymous bindingOperationName inputName outputName isOneWay receivesAttachments '
                 'sendsAttachments type',
    'WsdlRequest': 'incomingWss outgoingWss useWsAddressing useWsReliableMessaging wssPasswordType',
    'WsaConfig': 'action addDefaultAction addDefaultTo faultTo faultToRefParams from generateMessageId messageID '
                 'mustUnderstand relatesTo relationshipType replyTo replyToRefParams to version',
    'WsrmConfig': 'ackTo sequenceExpires version',
    'JMSHeaderConf': '*', 'Setting': 'id', 'CompressedString': 'compression', 'Script': 'language',
    'DefinitionCache': 'type rootPart', 'TestAssertion': 'type name disabled id timestamp',
    'TestSuite': 'disabled failOnErrors abortOnError timeout',
    'TestCase': 'disabled failOnError failTestCaseOnErrors keepSession maxResults searchProperties timeout '
                'discardOkResults wsrmEnabled wsrmVersion wsrmAckTo wsrmExpires amfAuthorisation amfEndpoint amfLogin '
                'amfPassword',
    'TestStep': 'type disabled', 'Endpoint': '*', 'SoapUIAction': '*', 'SoapUIActionGroup': 'id name class1 default',
    'SoapUIActionMapping': '*', 'SoapUIListener': '*', 'SoapUIFactory': '*',
    'MockService': 'docroot port path host bindToHostOnly dispatchResponseMessages faultMockOperation incomingWss '
                   'outgoingWss',
    'MockOperation': 'interface operation',
    'MockResponse': 'httpResponseStatus encoding compression useWsAddressing outgoingWss',
    'KeyMaterialCrypto': '*', 'IncomingWss': '*',
    'PropertyTransfer': 'disabled entitize failOnError ignoreEmpty setNullOnMissingSource transferChildNodes '
                        'transferTextContent transferToAll useXQuery',
    'PartsConfig$Part': 'name', 'StringToStringMap$Entry': 'key value',
    'WorkspaceProject': '*', 'Workspace': 'name soapuiVersion projectRoot', 'RegistryEntry': 'type',
    'RestMethod': 'method', 'RestResource': 'path',
    'RestRequest': 'mediaType accept postQueryString wadlId multiValueDelimiter timestamp',
    'RestRequestStep': 'service resourcePath methodName', 'Header': '*',
    'LoadTestAssertion': 'type name', 'PropertiesStep': 'saveFirst createMissingOnLoad discardValuesOnSave',
    'MockResponseStep': 'startStep handleFault handleResponse', 'HttpRequest': 'method', 'RestParameter': 'required',
}

# Properties that are read by reflection, or only through a supertype.
UNCALLED = {
    'WsdlInterface': {'definition': 'xs:anyURI'}, 'AbstractRequest': {'dumpFile': 'xs:string'},
    'Regex': {'message': 'xs:string'}, 'MockService': {'docroot': 'xs:string'},
    'PropertiesStep': {'source': 'xs:string', 'target': 'xs:string'},
}

# Properties whose name in the file is no Java name.
XML_NAME = {'soapuiVersion': 'soapui-version', 'class1': 'class', 'SearchPatterns.regex': 'Regex'}

ENUMERATIONS = {
    'SoapVersionTypes': '1_1 1_2', 'WsaVersionType': 'NONE 200408 200508', 'WsrmVersionType': '1.0 1.1 1.2',
    'AnonymousType': 'optional required prohibited', 'MustUnderstandType': 'NONE TRUE FALSE',
    'OperationTypes': 'One-Way Request-Response Solicit-Response Notification',
    'TestSuiteRunTypes': 'SEQUENTIAL PARALLELL', 'DefinitionCacheType': 'TREE TEXT',
    'ActionMappingPositionType': 'BEFORE AFTER', 'GotoConditionType': 'XPATH',
    'JMSDeliveryModeType': 'PERSISTENT NON_PERSISTENT', 'LoadTestLimitTypes': 'TIME COUNT COUNT_PER_THREAD',
    'MockOperationDispatchStyle': 'SEQUENCE RANDOM SCRIPT XPATH QUERY_MATCH',
    'RestResourceRepresentationType': 'REQUEST RESPONSE FAULT',
    'RunTestCaseRunModeType': 'PARALLELL SINGLETON_AND_FAIL SINGLETON_AND_WAIT',
    'StrategyType': 'ONE_BY_ONE ALL_AT_ONCE NO_STRATEGY',
    'Endpoint$Mode': 'OVERRIDE COMPLEMENT COPY', 'RestParameter$Style': 'QUERY TEMPLATE HEADER MATRIX PLAIN',
    'WorkspaceProject$Status': 'OPEN CLOSED CLOSED_AND_ENCRYPTED', 'WorkspaceProject$Type': 'LOCAL REMOTE',
}

DEFAULTS = {
    'WsdlInterface.wsaVersion': 'NONE', 'WsdlInterface.anonymous': 'optional', 'Operation.anonymous': 'optional',
    'Operation.type': 'Request-Response', 'WsaConfig.mustUnderstand': 'NONE', 'WsaConfig.version': '200508',
    'WsrmConfig.version': '1.2', 'TestCase.wsrmVersion': '1.0', 'Project.runType': 'SEQUENTIAL',
    'TestSuite.runType': 'SEQUENTIAL',
}

# Types of what is only seen as a java.util.List.
LIST_OF = {
    'SoapUIActionGroup.actionMapping': 'SoapUIActionMapping', 'SoapUIActions.action': 'SoapUIAction',
    'SoapUIActions.actionGroup': 'SoapUIActionGroup', 'SoapUIFactories.factory': 'SoapUIFactory',
    'SoapUIListeners.listener': 'SoapUIListener', 'SearchPatterns.regex': 'Regex',
    'JMSPropertiesConf.jmsProperties': 'JMSProperty', 'HttpRequest.attachment': 'Attachment',
    'Workspace.project': 'WorkspaceProject', 'OldRestRequest.assertion': 'TestAssertion',
    'OldRestRequest.attachment': 'Attachment', 'OldRestRequest.representation': 'RestResourceRepresentation',
    'RestResource.request': 'OldRestRequest', 'SecurityCheck.assertion': 'TestAssertion',
    'TestStepSecurityTest.testStepSecurityCheck': 'SecurityCheck',
    'InvalidSecurityCheck.typesList': 'SchemaTypeForSecurityCheck',
    'MaliciousAttachmentSecurityCheck.element': 'MaliciousAttachmentElement',
}

ROOT_ELEMENTS = {
    'SoapuiProject': 'soapui-project', 'SoapuiSettings': 'soapui-settings', 'SoapuiWorkspace': 'soapui-workspace',
    'SoapuiActions': 'soapui-actions', 'SoapuiListeners': 'soapui-listeners', 'SoapuiFactories': 'soapui-factories',
}
