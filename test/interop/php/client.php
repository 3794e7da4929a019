<?php
declare(strict_types=1);

const EMAIL_DOMAIN = '@example.com';
const PASSWORD = 'velvet-anchor-tuesday';
const WSSE = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
const WSU = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';
const TOKEN = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#';
const BASE64 = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary';

$username = getenv('INTEROP_USERNAME');
$email = $username . EMAIL_DOMAIN;
$security = (string) getenv('INTEROP_SECURITY');
$options = [
    'soap_version' => getenv('INTEROP_SOAP') === '1.2' ? SOAP_1_2 : SOAP_1_1,
    'cache_wsdl' => WSDL_CACHE_NONE,
];
if ($security === 'basic') {
    $options += ['login' => getenv('INTEROP_CALLER'), 'password' => getenv('INTEROP_SECRET')];
}
$client = new SoapClient(getenv('INTEROP_WSDL'), $options);
$receipt = null;

/** ext-soap has no WS-Security of its own: its users write the header's XML. */
function usernameToken(string $caller, string $secret, bool $digest): SoapHeader
{
    $type = 'PasswordText';
    $rest = '';
    $password = $secret;
    if ($digest) {
        $type = 'PasswordDigest';
        $nonce = random_bytes(16);
        $created = gmdate('Y-m-d\TH:i:s\Z');
        $password = base64_encode(sha1($nonce . $created . $secret, true));
        $rest = '<wsse:Nonce EncodingType="' . BASE64 . '">' . base64_encode($nonce) . '</wsse:Nonce><wsu:Created>' . $created . '</wsu:Created>';
    }
    $xml = '<wsse:Security xmlns:wsse="' . WSSE . '" xmlns:wsu="' . WSU . '"><wsse:UsernameToken>'
        . '<wsse:Username>' . htmlspecialchars($caller, ENT_XML1) . '</wsse:Username>'
        . '<wsse:Password Type="' . TOKEN . $type . '">' . htmlspecialchars($password, ENT_XML1) . '</wsse:Password>'
        . $rest . '</wsse:UsernameToken></wsse:Security>';
    return new SoapHeader(WSSE, 'Security', new SoapVar($xml, XSD_ANYXML), true);
}

function call(string $operation, array $request): object
{
    global $client, $security;
    if (str_starts_with($security, 'wsse')) {
        $client->__setSoapHeaders(usernameToken(getenv('INTEROP_CALLER'), getenv('INTEROP_SECRET'), $security === 'wsse-digest'));
    }
    return $client->$operation($request);
}

function fault(array $request, string $operation = 'Register'): object
{
    try {
        call($operation, $request);
    } catch (SoapFault $f) {
        if (!isset($f->detail->RegistrationFault)) {
            throw new Exception("a fault without detail: $f->faultcode $f->faultstring");
        }
        return $f->detail->RegistrationFault;
    }
    throw new Exception('no fault');
}

function equal(mixed $got, mixed $want, string $what): void
{
    if ($got !== $want) {
        throw new Exception("$what is " . json_encode($got, JSON_UNESCAPED_UNICODE));
    }
}

$steps = [
    'register' => function () use ($username, $email, &$receipt) {
        $receipt = call('Register', [
            'username' => $username, 'email' => $email, 'password' => PASSWORD,
            'firstName' => 'نورة', 'mobileNumber' => null, 'locale' => 'ar',
        ]);
        equal(preg_match('/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/', $receipt->registrationId), 1, 'registrationId being a UUID');
        equal($receipt->status, 'PENDING_VERIFICATION', 'status');
        equal($receipt->message !== '', true, 'message being there');
        new DateTimeImmutable($receipt->registeredAt); // ext-soap leaves xs:dateTime a string
    },
    'taken' => function () use ($username, $email) {
        $detail = fault(['username' => $username . '2', 'email' => $email, 'password' => PASSWORD]);
        equal($detail->code, 'EMAIL_TAKEN', 'code');
        equal($detail->retryable, 'false', 'retryable'); // ext-soap types no fault's detail
    },
    'invalid' => function () use ($username) {
        $detail = fault(['username' => $username . '3', 'email' => 'not-an-address', 'password' => PASSWORD]);
        equal($detail->code, 'VALIDATION_FAILED', 'code');
        equal($detail->field->name, 'email', "the field's name");
    },
    'lookup' => function () use ($email, &$receipt) {
        $account = call('GetRegistration', ['email' => $email]);
        equal($account->registrationId, $receipt->registrationId, 'registrationId');
        equal($account->firstName, 'نورة', 'firstName');
        equal(isset($account->mobileNumber), false, 'mobileNumber being there');
        equal($account->marketingConsent, false, 'marketingConsent');
    },
    'codes' => function () use (&$receipt) {
        $contact = ['registrationId' => $receipt->registrationId, 'channel' => 'EMAIL'];
        equal(fault($contact + ['code' => '000000'], 'VerifyContact')->code, 'CODE_INVALID', 'code');
        equal(fault($contact, 'ResendCode')->code, 'RESEND_TOO_SOON', 'code');
    },
    'passwords' => function () use ($username, $email, &$receipt) {
        $verdict = call('VerifyPassword', ['login' => $email, 'password' => PASSWORD, 'origin' => 'device-1']);
        equal($verdict->valid, true, 'valid');
        equal($verdict->registrationId, $receipt->registrationId, 'registrationId');
        equal($verdict->status, 'PENDING_VERIFICATION', 'status');
        foreach ([$username, $username . '-nobody'] as $login) {
            $verdict = call('VerifyPassword', ['login' => $login, 'password' => 'velvet-anchor-monday']);
            equal($verdict->valid, false, 'valid');
            equal(isset($verdict->registrationId), false, 'registrationId being there');
        }
    },
];

echo 'stack PHP ext-soap ' . phpversion('soap') . "\n";
foreach ($steps as $step => $do) {
    try {
        $do();
        echo "ok $step\n";
    } catch (Throwable $e) {
        echo "not ok $step: " . preg_replace('/\s+/', ' ', $e->getMessage()) . "\n";
    }
}
