'use strict';

const { soap, BasicAuthSecurity, WSSecurity } = require('strong-soap');
const { version } = require('strong-soap/package.json');
const { run, soap12, security } = require('../scenario');

const { INTEROP_WSDL, INTEROP_CALLER, INTEROP_SECRET } = process.env;

soap.createClient(INTEROP_WSDL, {}, async (error, client) => {
  if (error) throw error;
  if (security === 'basic') {
    client.setSecurity(new BasicAuthSecurity(INTEROP_CALLER, INTEROP_SECRET));
  } else if (security) {
    client.setSecurity(new WSSecurity(INTEROP_CALLER, INTEROP_SECRET, security === 'wsse-digest' ? 'PasswordDigest' : 'PasswordText'));
  }
  const port = client.RegistrationService[soap12 ? 'RegistrationSoap12' : 'RegistrationSoap11'];
  const call = (operation, request) =>
    new Promise((resolve, reject) => {
      port[operation]({ [operation + 'Request']: request }, (error, response) => (error ? reject(error) : resolve(response)));
    });
  await run({
    name: 'strong-soap',
    version,
    call,
    nil: null,
    untrue: false,
  });
});
