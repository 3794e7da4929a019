#include <QCoreApplication>
#include <QEventLoop>
#include <QRegularExpression>
#include <functional>
#include <iostream>
#include <stdexcept>

#include "KDSoapAuthentication.h"
#include "KDSoapClientInterface.h"
#include "KDSoapJob.h"
#include "registration.h"

static QString env(const char *name) { return QString::fromUtf8(qgetenv(name)); }

static void check(bool isTrue, const QString &what) {
  if (!isTrue) throw std::runtime_error(what.toStdString());
}

static void tell(const char *step, const std::function<void()> &run) {
  try {
    run();
    std::cout << "ok " << step << std::endl;
  } catch (const std::exception &e) {
    std::cout << "not ok " << step << ": " << QString(e.what()).simplified().toStdString() << std::endl;
  }
}

// finish runs a job to its end.
static void finish(KDSoapJob &job) {
  QEventLoop loop;
  QObject::connect(&job, &KDSoapJob::finished, &loop, &QEventLoop::quit);
  job.setAutoDelete(false);
  job.start();
  loop.exec();
}

// Scenario is the steps by Port, one of the generated classes.
template <class Port, class RegisterJob, class GetRegistrationJob>
class Scenario {
 public:
  void run() {
    port.setEndPoint(env("INTEROP_ENDPOINT"));
    const QString security = env("INTEROP_SECURITY");
    if (!security.isEmpty()) {
      KDSoapAuthentication authentication;
      authentication.setUser(env("INTEROP_CALLER"));
      authentication.setPassword(env("INTEROP_SECRET"));
      authentication.setUseWSUsernameToken(security == "wsse-digest");
      port.clientInterface()->setAuthentication(authentication);
    }
    tell("register", [this] { registers(); });
    tell("taken", [this] { taken(); });
    tell("invalid", [this] { invalid(); });
    tell("lookup", [this] { lookup(); });
  }

 private:
  Port port;
  const QString username = env("INTEROP_USERNAME"), email = username + "@example.com", firstName = "نورة";
  QString id;

  TNS__RegisterRequest request(const QString &user, const QString &address) {
    TNS__RegisterRequest request;
    request.setUsername(user);
    request.setEmail(address);
    request.setPassword(QString("velvet-anchor-tuesday"));
    request.setFirstName(firstName);
    request.setLocale(QString("ar"));
    return request;
  }

  // fault registers and gives the detail of the fault.
  TNS__RegistrationFault fault(const QString &user, const QString &address) {
    RegisterJob job(&port);
    job.setParameters(request(user, address));
    finish(job);
    check(job.isFault(), "no fault");
    const KDSoapValue detail = job.reply().childValues().child("detail");
    const KDSoapValue detail12 = job.reply().childValues().child("Detail");
    const KDSoapValue typed = (detail.isNull() ? detail12 : detail).childValues().child("RegistrationFault");
    check(!typed.isNull(), "no detail in " + job.faultAsString());
    TNS__RegistrationFault fault;
    fault.deserialize(typed);
    return fault;
  }

  void registers() {
    RegisterJob job(&port);
    job.setParameters(request(username, email));
    finish(job);
    check(!job.isFault(), job.faultAsString());
    const TNS__RegisterResponse receipt = job.resultParameters();
    id = receipt.registrationId();
    check(QRegularExpression("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$").match(id).hasMatch(), "registrationId is " + id);
    check(receipt.status() == TNS__Status::PENDING_VERIFICATION, "status");
    check(!receipt.message().isEmpty(), "message is empty");
    check(receipt.registeredAt().isValid() && receipt.registeredAt().date().year() >= 2026, "registeredAt");
  }

  void taken() {
    const TNS__RegistrationFault detail = fault(username + "2", email);
    check(detail.code() == TNS__FaultCode::EMAIL_TAKEN, "code");
    check(!detail.retryable(), "retryable");
  }

  void invalid() {
    const TNS__RegistrationFault detail = fault(username + "3", "not-an-address");
    check(detail.code() == TNS__FaultCode::VALIDATION_FAILED, "code");
    check(detail.field().size() == 1 && detail.field().first().name() == "email", "fields");
  }

  void lookup() {
    TNS__GetRegistrationRequest request;
    request.setEmail(email);
    GetRegistrationJob job(&port);
    job.setParameters(request);
    finish(job);
    check(!job.isFault(), job.faultAsString());
    const TNS__GetRegistrationResponse account = job.resultParameters();
    check(account.registrationId() == id, "registrationId");
    check(account.firstName() == firstName, "firstName");
    check(!account.hasValueForMobileNumber(), "mobileNumber");
    check(!account.marketingConsent(), "marketingConsent");
  }
};

int main(int argc, char **argv) {
  QCoreApplication application(argc, argv);
  using namespace RegistrationService;
  std::cout << "stack KDSoap " << KDSOAP_VERSION << std::endl;
  if (env("INTEROP_SOAP") == "1.2") {
    Scenario<RegistrationSoap12, RegistrationSoap12Jobs::RegisterJob, RegistrationSoap12Jobs::GetRegistrationJob>().run();
  } else {
    Scenario<RegistrationSoap11, RegistrationSoap11Jobs::RegisterJob, RegistrationSoap11Jobs::GetRegistrationJob>().run();
  }
}
