'use strict';

const soap = require('soap');
const { version } = require('soap/package.json');
const { run, soap12, security } = require('../scenario');

const { INTEROP_WSDL, INTEROP_CALLER, INTEROP_SECRET } = process.env;

(async () => {
  const client = await soap.createClientAsync(INTEROP_WSDL, { forceSoap12Headers: soap12 });
  if (security === 'basic') {
    client.setSecurity(new soap.BasicAuthSecurity(INTEROP_CALLER, INTEROP_SECRET));
  } else if (security) {
    client.setSecurity(new soap.WSSecurity(INTEROP_CALLER, INTEROP_SECRET, security === 'wsse-digest' ? 'PasswordDigest' : 'PasswordText'));
  }
  const port = client.RegistrationService[soap12 ? 'RegistrationSoap12' : 'RegistrationSoap11'];
  const call = (operation, request) =>
    new Promise((resolve, reject) => port[operation](request, (error, response) => (error ? reject(error) : resolve(response))));
  await run({
    name: 'node-soap',
    version,
    call,
    nil: { attributes: { 'xsi:nil': 'true' } },
    untrue: 'false', // it types no fault's detail
  });
})();
