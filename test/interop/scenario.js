// What the node clients share: the scenario's values, and how a step is told.
'use strict';

const env = process.env;
const username = env.INTEROP_USERNAME;
const email = `${username}@example.com`;
const password = 'velvet-anchor-tuesday';

exports.soap12 = env.INTEROP_SOAP === '1.2';
exports.security = env.INTEROP_SECURITY;

function equal(got, want, what) {
  if (got !== want) throw new Error(`${what} is ${JSON.stringify(got)}, not ${JSON.stringify(want)}`);
}

// detail is the RegistrationFault of an error, as both stacks hand it out.
function detail(error) {
  const fault = error.root && error.root.Envelope.Body.Fault;
  return fault && (fault.detail || fault.Detail).RegistrationFault;
}

// run runs the steps of a stack: { name, version, call, nil, untrue }.
// call(operation, request) gives a promise of the response's content, which a
// fault rejects; nil is how the stack writes xsi:nil, and untrue what it makes
// of a false in a fault.
exports.run = async function (stack) {
  let receipt;
  async function fault(request) {
    try {
      await stack.call('Register', request);
    } catch (error) {
      const it = detail(error);
      if (!it) throw error;
      return it;
    }
    throw new Error('no fault');
  }
  const steps = {
    async register() {
      receipt = await stack.call('Register', { username, email, password, firstName: 'نورة', mobileNumber: stack.nil, locale: 'ar' });
      equal(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(receipt.registrationId), true, 'registrationId being a UUID');
      equal(receipt.status, 'PENDING_VERIFICATION', 'status');
      equal(receipt.message !== '', true, 'message being there');
      equal(receipt.registeredAt instanceof Date && !isNaN(receipt.registeredAt), true, 'registeredAt being a Date');
    },
    async taken() {
      const it = await fault({ username: username + '2', email, password });
      equal(it.code, 'EMAIL_TAKEN', 'code');
      equal(it.retryable, stack.untrue, 'retryable');
    },
    async invalid() {
      const it = await fault({ username: username + '3', email: 'not-an-address', password });
      equal(it.code, 'VALIDATION_FAILED', 'code');
      equal([].concat(it.field)[0].name, 'email', "the field's name");
    },
    async lookup() {
      const account = await stack.call('GetRegistration', { email });
      equal(account.registrationId, receipt.registrationId, 'registrationId');
      equal(account.firstName, 'نورة', 'firstName');
      equal('mobileNumber' in account, false, 'mobileNumber being there');
      equal(account.marketingConsent, false, 'marketingConsent');
    },
  };
  console.log('stack', stack.name, stack.version);
  for (const [step, run] of Object.entries(steps)) {
    try {
      await run();
      console.log('ok', step);
    } catch (error) {
      console.log(`not ok ${step}: ${String((error && error.message) || error).replace(/\s+/g, ' ')}`);
    }
  }
};
