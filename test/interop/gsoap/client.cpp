#include <cstdlib>
#include <functional>
#include <iostream>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>

#include "RegistrationSoap11.nsmap"
#include "soapRegistrationSoap11Proxy.h"
#ifdef WITH_OPENSSL
#include "wsseapi.h"
#endif

using std::string;

static string env(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

static void check(bool is_true, const string &what) {
  if (!is_true) throw std::runtime_error(what);
}

static void tell(const char *step, const std::function<void()> &run) {
  try {
    run();
    std::cout << "ok " << step << std::endl;
  } catch (const std::exception &e) {
    std::cout << "not ok " << step << ": " << e.what() << std::endl;
  }
}

static const string endpoint = env("INTEROP_ENDPOINT"), username = env("INTEROP_USERNAME"), email = username + "@example.com";
static const string security = env("INTEROP_SECURITY"), caller = env("INTEROP_CALLER"), secret = env("INTEROP_SECRET");

// Without SOAP_C_UTFSTRING gSOAP takes each byte of a string for a character.
static RegistrationSoap11Proxy port(endpoint.c_str(), SOAP_C_UTFSTRING);

// authenticate is called before each call: gSOAP forgets both ways with each.
static void authenticate() {
  if (security == "basic") {
    port.soap->userid = caller.c_str();
    port.soap->passwd = secret.c_str();
  }
#ifdef WITH_OPENSSL
  if (security == "wsse-text") {
    soap_wsse_add_UsernameTokenText(port.soap, NULL, caller.c_str(), secret.c_str());
  } else if (security == "wsse-digest") {
    soap_wsse_add_UsernameTokenDigest(port.soap, NULL, caller.c_str(), secret.c_str());
  }
#endif
}

static std::runtime_error fault_text() {
  std::ostringstream text;
  port.soap_stream_fault(text);
  return std::runtime_error(std::regex_replace(text.str(), std::regex("\\s+"), " "));
}

static int call(const string &user, const string &address, _ns1__RegisterResponse &receipt) {
  _ns1__RegisterRequest request;
  string name = "نورة", locale = "ar";
  request.username = user;
  request.email = address;
  request.password = "velvet-anchor-tuesday";
  request.firstName = &name;
  request.locale = &locale;
  authenticate();
  return port.Register(&request, receipt);
}

// fault registers and gives the typed detail of the fault.
static _ns1__RegistrationFault *fault(const string &user, const string &address) {
  _ns1__RegisterResponse receipt;
  if (call(user, address, receipt) == SOAP_OK) throw std::runtime_error("no fault");
  SOAP_ENV__Fault *f = port.soap_fault();
  SOAP_ENV__Detail *detail = f ? (f->detail ? f->detail : f->SOAP_ENV__Detail) : NULL;
  if (!detail || !detail->ns1__RegistrationFault) throw fault_text();
  return detail->ns1__RegistrationFault;
}

int main() {
  std::cout << "stack gSOAP " << GSOAP_VERSION / 100000 << "." << GSOAP_VERSION / 1000 % 100 << "." << GSOAP_VERSION % 1000 << std::endl;
  string id;

  tell("register", [&] {
    _ns1__RegisterResponse receipt;
    if (call(username, email, receipt) != SOAP_OK) throw fault_text();
    id = receipt.registrationId;
    check(std::regex_match(id, std::regex("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")), "registrationId is no UUID");
    check(receipt.status == ns1__Status__PENDING_USCOREVERIFICATION, "status");
    check(!receipt.message.empty(), "message is empty");
    check(receipt.registeredAt > 1700000000, "registeredAt");
  });
  tell("taken", [] {
    _ns1__RegistrationFault *detail = fault(username + "2", email);
    check(detail->code == ns1__FaultCode__EMAIL_USCORETAKEN, "code");
    check(!detail->retryable, "retryable");
  });
  tell("invalid", [] {
    _ns1__RegistrationFault *detail = fault(username + "3", "not-an-address");
    check(detail->code == ns1__FaultCode__VALIDATION_USCOREFAILED, "code");
    check(detail->field.size() == 1 && detail->field[0]->name == "email", "fields");
  });
  tell("lookup", [&] {
    _ns1__GetRegistrationRequest request;
    _ns1__GetRegistrationResponse account;
    string address = email;
    request.email = &address;
    authenticate();
    if (port.GetRegistration(&request, account) != SOAP_OK) throw fault_text();
    check(account.registrationId == id, "registrationId");
    check(account.firstName && *account.firstName == "نورة", "firstName");
    check(!account.mobileNumber, "mobileNumber");
    check(!account.marketingConsent, "marketingConsent");
  });
  port.destroy();
}
