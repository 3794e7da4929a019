/* A SOAP server by gSOAP of the same contract, on a domain that does nothing:
   the yardstick of the benchmark. Connections are kept, and each is served by
   a thread of a pool, as in gSOAP's manual (7.2.4). The argument is the port. */

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "RegistrationSoap11.nsmap"
#include "soapH.h"

enum { THREADS = 32, BACKLOG = 1024 };

/* Connections that wait for a thread. */
static SOAP_SOCKET queue[BACKLOG];
static unsigned head, tail;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;

static void put(SOAP_SOCKET s) {
  pthread_mutex_lock(&lock);
  queue[tail++ % BACKLOG] = s;
  pthread_cond_signal(&filled);
  pthread_mutex_unlock(&lock);
}

static SOAP_SOCKET take(void) {
  pthread_mutex_lock(&lock);
  while (head == tail)
    pthread_cond_wait(&filled, &lock);
  SOAP_SOCKET s = queue[head++ % BACKLOG];
  pthread_mutex_unlock(&lock);
  return s;
}

static void *serve(void *of) {
  struct soap *soap = of;
  for (;;) {
    soap->socket = take();
    soap_serve(soap);
    soap_destroy(soap);
    soap_end(soap);
  }
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 2)
    return 2;
  signal(SIGPIPE, SIG_IGN);
  struct soap *soap = soap_new1(SOAP_IO_KEEPALIVE | SOAP_C_UTFSTRING);
  soap->bind_flags = SO_REUSEADDR;
  soap->max_keep_alive = 0; /* no limit */
  soap->send_timeout = soap->recv_timeout = 60;
  if (!soap_valid_socket(soap_bind(soap, "127.0.0.1", atoi(argv[1]), BACKLOG))) {
    soap_print_fault(soap, stderr);
    return 1;
  }
  for (int i = 0; i < THREADS; i++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, serve, soap_copy(soap)))
      return 1;
  }
  for (;;) {
    SOAP_SOCKET s = soap_accept(soap);
    if (soap_valid_socket(s))
      put(s);
  }
}

int __ns1__Register(struct soap *soap, struct _ns1__RegisterRequest *in, struct _ns1__RegisterResponse *out) {
  (void)soap;
  (void)in;
  out->registrationId = "01000000-0000-0000-0000-000000000000";
  out->status = ns1__Status__PENDING_USCOREVERIFICATION;
  out->message = "Your account has been registered.";
  out->registeredAt = 1790000000;
  return SOAP_OK;
}

int __ns1__GetRegistration(struct soap *soap, struct _ns1__GetRegistrationRequest *in, struct _ns1__GetRegistrationResponse *out) {
  (void)in;
  (void)out;
  return soap_sender_fault(soap, "There is no such registration.", NULL);
}

/* The operations of the SOAP 1.2 binding. */

int __ns1__Register_(struct soap *soap, struct _ns1__RegisterRequest *in, struct _ns1__RegisterResponse *out) {
  return __ns1__Register(soap, in, out);
}

int __ns1__GetRegistration_(struct soap *soap, struct _ns1__GetRegistrationRequest *in, struct _ns1__GetRegistrationResponse *out) {
  return __ns1__GetRegistration(soap, in, out);
}
