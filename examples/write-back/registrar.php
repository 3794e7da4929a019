<?php
// Registrar is the service, as far as the write-back asks it.
declare(strict_types=1);

final class Registrar
{
    private ?SoapClient $client = null;

    /** Who that is by now; null for somebody who was erased. It waits for a service that is away. */
    public function person(string $id): ?object
    {
        $this->client ??= new SoapClient(getenv('WRITE_BACK_WSDL'), [
            'exceptions' => true, 'connection_timeout' => 5, 'cache_wsdl' => WSDL_CACHE_MEMORY,
            'login' => (string) getenv('WRITE_BACK_CALLER'), 'password' => (string) getenv('WRITE_BACK_SECRET'),
        ]);
        for ($wait = 1;; $wait = min(2 * $wait, 30)) {
            try {
                return $this->client->GetRegistration(['registrationId' => $id]);
            } catch (SoapFault $fault) {
                $detail = $fault->detail->RegistrationFault ?? null;
                if (($detail->code ?? '') === 'NOT_FOUND') {
                    return null;
                }
                if ($detail !== null && $detail->retryable !== 'true') {
                    throw $fault;
                }
                sleep($wait); // the service is away, or has much to do
            }
        }
    }
}
