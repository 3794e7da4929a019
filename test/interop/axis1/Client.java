import java.net.URI;
import java.util.Calendar;
import org.apache.axis.Version;
import v1.registration.registrar.FaultCode;
import v1.registration.registrar.GetRegistrationRequest;
import v1.registration.registrar.GetRegistrationResponse;
import v1.registration.registrar.RegisterRequest;
import v1.registration.registrar.RegisterResponse;
import v1.registration.registrar.RegistrationFault;
import v1.registration.registrar.RegistrationServiceLocator;
import v1.registration.registrar.RegistrationSoap11Stub;
import v1.registration.registrar.Status;

final class Client {
  private final RegistrationSoap11Stub port;
  private RegisterResponse receipt;

  private Client(RegistrationSoap11Stub port) {
    this.port = port;
  }

  public static void main(String[] args) throws Exception {
    System.out.println("stack Axis " + Version.getVersionText().split(" ")[0]);
    var port = (RegistrationSoap11Stub) new RegistrationServiceLocator().getRegistrationSoap11(URI.create(Scenario.ENDPOINT).toURL());
    if (Scenario.SECURITY.equals("basic")) {
      port.setUsername(Scenario.CALLER);
      port.setPassword(Scenario.SECRET);
    }
    Client client = new Client(port);
    Scenario.tell("register", client::register);
    Scenario.tell("taken", client::taken);
    Scenario.tell("invalid", client::invalid);
    Scenario.tell("lookup", client::lookup);
  }

  private static RegisterRequest request(String username, String email) {
    RegisterRequest request = new RegisterRequest();
    request.setUsername(username);
    request.setEmail(email);
    request.setPassword(Scenario.PASSWORD);
    request.setFirstName(Scenario.FIRST_NAME);
    request.setMobileNumber(null);
    request.setLocale(Scenario.LOCALE);
    return request;
  }

  private RegistrationFault fault(RegisterRequest request) throws Exception {
    try {
      port.register(request);
    } catch (RegistrationFault e) {
      return e;
    }
    throw new IllegalStateException("no fault");
  }

  private void register() throws Exception {
    receipt = port.register(request(Scenario.USERNAME, Scenario.EMAIL));
    Scenario.check(receipt.getRegistrationId().matches(Scenario.UUID), "registrationId is no UUID");
    Scenario.equal(receipt.getStatus(), Status.PENDING_VERIFICATION, "status");
    Scenario.check(!receipt.getMessage().isEmpty(), "message is empty");
    Scenario.check(receipt.getRegisteredAt().get(Calendar.YEAR) >= 2026, "registeredAt");
  }

  private void taken() throws Exception {
    RegistrationFault detail = fault(request(Scenario.USERNAME + "2", Scenario.EMAIL));
    Scenario.equal(detail.getCode(), FaultCode.EMAIL_TAKEN, "code");
    Scenario.equal(detail.isRetryable(), false, "retryable");
  }

  private void invalid() throws Exception {
    RegistrationFault detail = fault(request(Scenario.USERNAME + "3", "not-an-address"));
    Scenario.equal(detail.getCode(), FaultCode.VALIDATION_FAILED, "code");
    Scenario.equal(detail.getField().length, 1, "number of fields");
    Scenario.equal(detail.getField(0).getName(), "email", "field");
  }

  private void lookup() throws Exception {
    GetRegistrationRequest request = new GetRegistrationRequest();
    request.setEmail(Scenario.EMAIL);
    GetRegistrationResponse account = port.getRegistration(request);
    Scenario.equal(account.getRegistrationId(), receipt.getRegistrationId(), "registrationId");
    Scenario.equal(account.getFirstName(), Scenario.FIRST_NAME, "firstName");
    Scenario.equal(account.getMobileNumber(), null, "mobileNumber");
    Scenario.equal(account.isMarketingConsent(), false, "marketingConsent");
  }
}
